"""Write the first store of a county. From then on every store names the county that it belongs to."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from contracts.topology import SOURCES
from services.demo import content
from services.ledger.signing.signed_head_store import MEMORY_FILE, OfAnotherLog, SignedHeadStore
from services.runtime.county_evidence import evidence_of, require_own
from services.runtime.statements import RECORDED
from services.runtime.wiring import Wiring
from shared.config import Settings
from shared.county import identity, store
from shared.county.identity import Identity
from shared.errors import NotFound, SettingsError, Unavailable
from shared.publishing.reviews import policy

REVIEWED = ("catalog", "guides")
"""The sources whose releases the five gates review."""

REMEDY = "put this store back from a backup, as docs/operating/one-store.md says; nothing was changed"


def county_of(wiring: Wiring, services: Sequence[str], *, demo: bool = False) -> Identity:
    """Return the county of these stores, or the county of the settings if none exists yet. Reads only.

    Raises `SettingsError` when a store belongs to another county than the settings name, or when a demonstration is
    requested for stores that were not created as one, or when a source was born under another review policy;
    `Unavailable` when a store cannot be read.
    """
    wanted = Identity.of(wiring.settings, demo=demo)
    for service in services:
        _require_policy(wiring, service)
    stored = {service: county for service in services if (county := _stored(wiring, service)) is not None}
    county = identity.agreed(_told_apart(stored), wanted)
    if demo:
        _require_demo_county(wiring.settings)
    return county


def require_same_log(wiring: Wiring, services: Sequence[str]) -> None:
    """Raise `SettingsError` when a store belongs to another region or log than the settings name; its county's name may
    differ.

    Raises `NotFound` when a store names no county.
    """
    wanted = Identity.of(wiring.settings)
    for service in services:
        county = store.known(wiring.database(service)) if _exists(wiring, service) else None
        if county is None:
            raise NotFound(f"{service}: there is no store that names a county: run `tongyuan migrate` first")
        identity.require_log(county, wanted, f"the store of {service}")


def require_own_ledger(wiring: Wiring) -> None:
    """Raise `SettingsError` unless the ledger's store, by its identity and by its content, is of the settings' county.

    Raises `NotFound` when neither tells. Call this before another history is accepted as the ledger's.
    """
    if not _exists(wiring, "ledger"):
        raise NotFound("there is no store of the ledger here, so nobody can tell which county's it is")
    with evidence_of("ledger", wiring.database("ledger")) as evidence:
        require_own(evidence, wiring.settings)
        foreign = evidence.foreign_entry(wiring.settings.region)
        if foreign is not None:
            raise SettingsError(f"TONGYUAN_REGION: entry {foreign} of the ledger is not of {wiring.settings.region}")
        if evidence.county() is None:
            raise NotFound("the store of the ledger names no county and holds no entry, so nobody can tell whose it is")


def settle(wiring: Wiring, service: str, county: Identity) -> None:
    """Migrate the service's schema, then write into its store which county it belongs to, and what it reviews.

    If the process dies in between, the next start finds the store without identity and writes it.
    """
    wiring.migrate(service)
    store.write(wiring.database(service), county)
    if service in REVIEWED:
        policy.write(wiring.database(service), wiring.settings.review)


def require_no_lost_store(wiring: Wiring) -> None:
    """Raise `SettingsError` when the ledger's store or a source's is missing although something was recorded from it.

    An empty one in its place would hide the loss: a new source would number its releases from 1 again, and a new ledger
    would be another history than the one that was signed. Channels and auditor are made anew from the ledger. Where the
    first start was interrupted, nothing was recorded. Reads only.
    """
    ledger = _file(wiring, "ledger")
    if not _holds_data(ledger):
        if _has_signed(wiring.settings):
            raise SettingsError(f"TONGYUAN_DATA_DIR: {ledger} is missing, but this ledger has signed heads: {REMEDY}")
        return
    for source, count in _recorded(wiring):
        if count and not _holds_data(file := _file(wiring, source)):
            lost = f"{file} is missing, but the ledger has recorded {count} releases of {source}"
            raise SettingsError(f"TONGYUAN_DATA_DIR: {lost}: {REMEDY}")


def _exists(wiring: Wiring, service: str) -> bool:
    """Return False for a SQLite file that does not exist: opening it would create it."""
    url = wiring.settings.database_url_for(service)
    return not url.startswith("sqlite") or Path(url.removeprefix("sqlite:///")).exists()


def _require_policy(wiring: Wiring, service: str) -> None:
    """Raises `SettingsError` when a source's store was born under another policy than the settings name."""
    if service in REVIEWED and _exists(wiring, service):
        try:
            policy.require(wiring.database(service), wiring.settings.review)
        except Unavailable as error:
            raise Unavailable(f"{service}: {error}") from error


def _stored(wiring: Wiring, service: str) -> Identity | None:
    try:
        if not _exists(wiring, service):
            return None
        with evidence_of(service, wiring.database(service)) as evidence:
            return evidence.county()
    except Unavailable as error:
        raise Unavailable(f"{service}: {error}") from error


def _told_apart(stored: dict[str, Identity]) -> dict[str, Identity]:
    """Count a store that does not say whether it is a demonstration as real, unless another store says so."""
    if any(county.demo is not None for county in stored.values()):
        return stored
    return {service: replace(county, demo=False) for service, county in stored.items()}


def _require_demo_county(settings: Settings) -> None:
    county = content.county()
    if (settings.region, settings.county) != (county.region, county.name):
        raise SettingsError(
            f"--demo: the demonstration is of {county.region} {county.name}, "
            f"not of {settings.region} {settings.county}: "
            "start it with --no-demo, or without TONGYUAN_REGION and TONGYUAN_COUNTY"
        )


def _has_signed(settings: Settings) -> bool:
    """Return whether the file beside the key says that this log has signed entries; True if it cannot be parsed."""
    try:
        last = SignedHeadStore(settings.log_origin, settings.data_dir / MEMORY_FILE).last()
    except OfAnotherLog:
        return False
    except ValueError:
        return True
    return last is not None and last.size > 0


def _recorded(wiring: Wiring) -> Iterator[tuple[str, int]]:
    """Yield how many releases of each source the ledger has recorded."""
    with evidence_of("ledger", wiring.database("ledger")) as evidence:
        for source in SOURCES if "source" in evidence.tables else ():
            for (count,) in evidence.ask(RECORDED.format(source=source)):
                yield source, count


def _file(wiring: Wiring, service: str) -> Path:
    return Path(wiring.settings.database_url_for(service).removeprefix("sqlite:///"))


def _holds_data(file: Path) -> bool:
    """Return False for a missing file and for an empty one, which is an empty SQLite database."""
    try:
        return file.stat().st_size > 0
    except FileNotFoundError:
        return False
