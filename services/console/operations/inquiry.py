"""Follows one key hop by hop, and compares a parked entry with the ledger."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from contracts.base import Json
from contracts.kinds import KINDS, kind_of
from services.console.operations.readings import LEDGER, getting
from services.console.upstream.services import Services
from shared.errors import Invalid, NotFound, TongyuanError, Violation
from shared.tokens.person import Person

MOST_VERSIONS = 50
COMPARED = ("key", "version", "op", "digest", "effective_at", "expires_at", "released_at")


def traced(services: Services, channels: Mapping[str, str], person: Person, key: str) -> Json:
    """Return the newest versions of a key at its source and in the ledger, and what each channel has of it.

    A part that does not answer is told with its problem. Raises `Invalid` for what is no key.
    """
    entry = KINDS.get(kind_of(key))
    if entry is None or not entry.has(key):
        known = "、".join(f"{kind}:…（{one.title}）" for kind, one in KINDS.items())
        raise Invalid(Violation("key", "ledger_key", f"应当是种类和编码，例如 {known}", key[:64]))
    source = entry.owner(key)
    released = _asked(services, source, f"releases/{key}", person)
    recorded = _asked(services, LEDGER, f"versions/{key}", person)
    versions = recorded["found"]["versions"] if recorded["found"] else []
    return {
        "key": key,
        "title": entry.title,
        "source": source,
        "released": {**released, "found": list(reversed(released["found"] or []))[:MOST_VERSIONS]},
        "recorded": {**recorded, "found": [_lag(one) for one in reversed(versions)][:MOST_VERSIONS]},
        "shown": {name: _asked(services, name, f"trace/{key}", person) for name in channels},
    }


def parked_entry(services: Services, channel: str, position: int, person: Person) -> Json:
    """Return a parked entry, the ledger's entry at its position, and the fields in which they differ.

    Raises `NotFound` if it is not parked any more, and what the channel answers.
    """
    found = getting(services, channel, person)(f"parked/{position}")
    ledger = _asked(services, LEDGER, f"entries/{position}", person)
    return {**found, "ledger": ledger, "differs": list(_differing(found["entry"], ledger["found"]))}


def _differing(entry: Json, recorded: Json | None) -> Iterable[Json]:
    if recorded is not None:
        for name in COMPARED:
            if entry.get(name) != recorded.get(name):
                yield {"field": name, "parked": entry.get(name), "ledger": recorded.get(name)}


def _asked(services: Services, service: str, path: str, person: Person) -> Json:
    """Return what a service answers, None with a 404; `problem` says why it answered nothing."""
    try:
        return {"found": getting(services, service, person)(path), "problem": ""}
    except NotFound:
        return {"found": None, "problem": ""}
    except TongyuanError as error:
        return {"found": None, "problem": str(error)}


def _lag(version: Json) -> Json:
    """Add the seconds from the release to the ledger."""
    released, recorded = version.get("released_at"), version.get("recorded_at")
    lag = None
    if released and recorded:
        lag = (datetime.fromisoformat(recorded) - datetime.fromisoformat(released)).total_seconds()
    return {**version, "lag": lag}
