"""Take one import back as one act, at both sources."""

from contracts.base import Json
from services.importing.engine.sources import CATALOG, GUIDES, Sources

_PARTS = ("restored", "withdrawn", "already")


def take_back(sources: Sources, source: str, sha256: str, *, preview: bool) -> Json:
    """Ask both services first: an item and its guide are taken back together, or both stay.

    If the process dies between them, the same again finishes it: what was taken back is listed as `already`.
    """
    request: Json = {"source": source, "sha256": sha256}
    services = (GUIDES, CATALOG)
    plans = {name: sources.post(name, "imports/undo", {**request, "dry_run": True}) for name in services}
    conflicts = [{"service": name, **one} for name, plan in plans.items() for one in plan["conflicts"]]
    keep = sorted({one["code"] for one in conflicts})
    # The guide goes first: a guide without its item would be hidden, and then be withdrawn a second time.
    done = {
        name: sources.post(name, "imports/undo", {**request, "keep": keep, "dry_run": preview}) for name in services
    }
    totals = {part: {name: len(done[name][part]) for name in services} for part in _PARTS}
    return {**totals, "conflicts": conflicts, "preview": preview, "notice": done[CATALOG]["notice"]}
