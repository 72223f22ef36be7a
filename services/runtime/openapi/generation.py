"""The OpenAPI documents of the services: `python -m services.runtime.openapi` writes them, `--check` compares them.

The apps serve the same documents at `/openapi.json`.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI

from contracts.base import Json
from contracts.generators.openapi_compatibility import breaks_of_endpoints
from contracts.topology import AUDITOR, CONSOLE, IMPORTING, SOURCES, SUBSCRIPTIONS
from services.runtime.assembly.importing import embedded_importing
from services.runtime.assembly.subscriptions import subscriptions
from services.runtime.auditor import auditor_api
from services.runtime.console import embedded_api
from services.runtime.local_readers import LocalLedger
from services.runtime.manifests import CHANNELS, FOR_STRANGERS
from services.runtime.openapi.document import document
from services.runtime.wiring import Wiring
from shared.config import Settings

FOLDER = Path(__file__).parents[3] / "contracts" / "openapi"
RELEASED = "released"
"""Folder of what strangers were promised, one line of JSON a service."""


def documents() -> dict[str, Json]:
    """Return each service's document. The apps are built as for `tongyuan up`, in a temporary folder."""
    with tempfile.TemporaryDirectory() as folder:
        wiring = Wiring(Settings.model_construct(data_dir=Path(folder)))
        try:
            return {service: document(service, api) for service, api in apis(wiring)}
        finally:
            wiring.close()


@cache
def texts() -> Mapping[str, str]:
    """Return file name → content, as stored in contracts/openapi. Made once in a process: it builds every app."""
    return {
        f"{service}.json": json.dumps(content, ensure_ascii=False, indent=2) + "\n"
        for service, content in documents().items()
    }


def stale(folder: Path = FOLDER) -> list[str]:
    """Return the files that differ from what the apps declare now: changed, missing, or left over."""
    return _differing(texts(), folder)


def write(folder: Path = FOLDER) -> list[str]:
    """Update the files; return the names of those that differed."""
    wanted = texts()
    changed = _differing(wanted, folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name in changed:
        if name in wanted:
            (folder / name).write_text(wanted[name], encoding="utf-8")
        else:
            (folder / name).unlink()
    return changed


def breaks(folder: Path = FOLDER) -> list[str]:
    """Return what today's documents break of the released ones."""
    found = []
    for name, content in texts().items():
        file = folder / RELEASED / name
        if file.exists():
            changes = breaks_of_endpoints(json.loads(file.read_text(encoding="utf-8")), json.loads(content))
            found += [f"{name.removesuffix('.json')} {change}" for change in changes]
    return found


def release(folder: Path = FOLDER) -> list[str]:
    """Store today's public documents as what is promised. Return the names of those that differed."""
    wanted = {
        f"{name}.json": json.dumps(json.loads(texts()[f"{name}.json"]), ensure_ascii=False, separators=(",", ":"))
        + "\n"
        for name in FOR_STRANGERS
    }
    changed = _differing(wanted, folder / RELEASED)
    (folder / RELEASED).mkdir(parents=True, exist_ok=True)
    for name in changed:
        (folder / RELEASED / name).write_text(wanted[name], encoding="utf-8")
    return changed


def _differing(wanted: Mapping[str, str], folder: Path) -> list[str]:
    stored = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.json")}
    return sorted(name for name in wanted.keys() | stored.keys() if wanted.get(name) != stored.get(name))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line. Exit code: 0 done, 1 stale, 2 usage."""
    parser = argparse.ArgumentParser(prog="python -m services.runtime.openapi", description=__doc__)
    parser.add_argument("--check", action="store_true", help="list stale documents; exit with 1 if there are any")
    parser.add_argument("--release", action="store_true", help="promise today's public endpoints; refuses a break")
    parser.add_argument("--folder", type=Path, default=FOLDER, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.check:
        return _say((f"contracts/openapi/{name}: stale; make contracts" for name in stale(options.folder)), code=1)
    if options.release:
        if found := breaks(options.folder):
            return _say([*found, "Nothing was released: contracts/DEPRECATION.md says how an endpoint goes."], code=1)
        return _say((f"contracts/openapi/released/{name}: released" for name in release(options.folder)), code=0)
    return _say((f"contracts/openapi/{name}: written" for name in write(options.folder)), code=0)


def apis(wiring: Wiring) -> Iterator[tuple[str, FastAPI]]:
    for source in SOURCES:
        yield source, wiring.source_api(source)
    yield "ledger", wiring.ledger_api()
    ledger = LocalLedger(wiring.database("ledger"))
    for channel in CHANNELS:
        yield channel, wiring.channel(channel, ledger).api(wiring.settings)
    yield AUDITOR, auditor_api(wiring)
    key = Ed25519PrivateKey.generate()
    yield CONSOLE, embedded_api(wiring, key, lambda: wiring.settings, demo=False)
    yield IMPORTING, embedded_importing(wiring, key, lambda: wiring.settings).api
    yield SUBSCRIPTIONS, subscriptions(wiring).api


def _say(lines: Iterable[str], code: int) -> int:
    """Write the lines; return `code` if there were any, else 0."""
    said = [sys.stdout.write(f"{line}\n") for line in lines]
    return code if said else 0
