"""What a channel showed of an item at a moment: the versions that counted then, from the ledger, with their proof.

The channel's own adapter and templates of today make the page. What is known of a screen: `screens`.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from contracts.base import Json, format_time
from contracts.kinds import Kind
from services.console.upstream.services import Services
from shared.tokens.person import Person
from shared.transparency.timeline import Timed, in_force, shows

MOST_READ = 1_000


@dataclass(frozen=True, slots=True)
class Shown:
    """`versions`: by kind, the entry that counted at the moment, None if none did. `html`: the page, None: no page."""

    versions: dict[str, Json | None]
    html: str | None


def shown_at(services: Services, person: Person, channel: str, code: str, moment: datetime) -> Shown:
    """Return what the channel showed of an item and its guide at the moment. Raises `UpstreamDown`."""
    versions = {kind: _counted(services, person, f"{kind}:{code}", moment) for kind in (Kind.ITEM, Kind.GUIDE)}
    found: dict[str, Json | None] = {str(kind): one for kind, one in versions.items()}
    given = []
    for kind, entry in found.items():
        body = None if entry is None else entry["body"]
        op = "withdraw" if body is None else "release"
        given.append({"key": f"{kind}:{code}", "version": (entry or {}).get("version", 1), "op": op, "body": body})
    asked = {"versions": given, "page": code, "past": format_time(moment)}
    html = services.post(channel, "preview", person, asked).content["html"]
    return Shown(found, html)


def _counted(services: Services, person: Person, key: str, moment: datetime) -> Json | None:
    """Return the entry of a key that was shown at the moment; None if nothing was."""
    entries: list[Json] = []
    after: int | None = 0
    while after is not None and len(entries) < MOST_READ:
        answer = services.get("ledger", f"versions/{key}", person, after=after).content
        entries += answer["versions"]
        after = answer["next"]
    times = {one["version"]: _timed(services, person, one) for one in entries}
    counted = in_force(times.values(), moment)
    if counted is None or not shows(counted, moment):
        return None
    entry = next(one for one in entries if one["version"] == counted.version)
    found: Any = services.get("ledger", f"entries/{entry['position']}", person).content
    return {**found, "starts": counted.starts.isoformat()}


def _timed(services: Services, person: Person, entry: Json) -> Timed:
    act = entry.get("part_of")
    if act is None:
        return Timed.of_json(entry)
    recorded = services.get("ledger", f"versions/{act}", person).content["versions"]
    completions = {act: datetime.fromisoformat(recorded[0]["recorded_at"])} if recorded else {}
    return Timed.of_json(entry).in_set(act, completions)
