"""Backup and restore of a whole county, in both shapes.

Copied in the order auditor, channels, ledger, sources: each only grows, so in a backup made while the county runs no
channel is ahead of the ledger, which is ahead of no source. What one is behind it catches up by itself after a restore.
"""

import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from contracts.topology import AUDITOR, CHANNELS, SOURCES
from services import archive
from services.archive import BadArchive, Manifest, Store
from services.restored import (
    check_ledger,
    contradictions,
    head_of,
    lost_keys,
    marks_of,
    sealed_with,
    signers_doubt,
    stage_memory,
)
from services.stores import (
    Ask,
    asking_postgres,
    asking_sqlite,
    check_sqlite,
    dump_postgres,
    dump_sqlite,
    has_store,
    is_empty,
    load_postgres,
    restoring_postgres,
)
from services.swap import STAGED, finish_restore, locked
from shared.config import Settings
from shared.errors import Conflict, NotFound

ORDER = (AUDITOR, *CHANNELS, "ledger", *SOURCES)
# What the auditor has found is worth keeping, and a county can do without.
NEEDED = ORDER[1:]
KEYS = ("ledger-key.pem", "admin-token", "service-token")
STAGING = "restoring.partial"
Tell = Callable[[str, int], None]


@dataclass(frozen=True)
class _Job:
    """One restore: what of the manifest goes where. `stamp` names what is kept aside."""

    settings: Settings
    manifest: Manifest
    services: Sequence[str]
    tell: Tell
    stamp: str
    force: bool
    keys: bool

    @property
    def staging(self) -> Path:
        """Where the archive is unpacked."""
        return self.settings.data_dir / STAGING


@dataclass
class Outcome:
    """What was written or put back, and what the operator has to know about it."""

    manifest: Manifest
    file: Path
    notes: list[str] = field(default_factory=list)
    kept: str = ""


def backup(settings: Settings, target: Path, tell: Tell) -> Outcome:
    """Write the county's backup to `target`, a file or a folder to give it a name in. The county may run meanwhile.

    Raises `NotFound` without a county, `Unavailable` when a store cannot be read, `Conflict` for stores of both kinds.
    """
    now = datetime.now(UTC)
    if target.is_dir():
        target = target / f"tongyuan-{settings.region}-{now:%Y%m%dT%H%M%SZ}.tar.gz"
    mode = _mode(settings)
    with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as name:
        folder, marks, stores, head = Path(name), dict[str, int](), dict[str, Store](), None
        sealed: list[str] = []
        for number, service in enumerate(ORDER):
            tell(service, number)
            if service not in NEEDED and not has_store(service, settings.database_url_for(service)):
                continue
            with _dumped(settings, mode, service, folder) as (store, ask):
                stores[service] = store
                marks |= marks_of(service, ask)
                head = head_of(ask) if service == "ledger" else head
                sealed = list(sealed_with(ask)) if service == "applications" else sealed
        notes = [*contradictions(marks), *sealed, *_copy_keys(settings.data_dir, folder)]
        manifest = Manifest(
            made_at=now,
            version=version("tongyuan"),
            mode=mode,  # type: ignore[arg-type]  # one of the two
            region=settings.region,
            head=head,
            marks=marks,
            stores=stores,
            parts=archive.described(folder),
        )
        tell("archive", len(ORDER))
        archive.write(target, manifest, folder)
    return Outcome(manifest, target, notes)


def restore(settings: Settings, file: Path, only: Sequence[str], tell: Tell, *, force: bool) -> Outcome:
    """Put a backup back; `only`: these services' stores and no keys. All of it is checked before anything is changed.

    What was there before is kept aside. Raises `BadArchive`; `Conflict` while the county runs, or when there is one and
    not `force`.
    """
    mode = _mode(settings, reading=True)
    manifest = archive.read_manifest(file)
    services = [service for service in ORDER if service in (only or {*NEEDED, *manifest.stores})]
    _require_fit(settings, manifest, mode, services)
    stamp = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}".lower()
    with locked(settings.data_dir) as folder:
        finish_restore(folder)
        if mode == "sqlite" and _present(folder) and not force:
            raise Conflict(f"{folder} holds a county already; --force puts the backup in its place and keeps it aside")
        staging = folder / STAGING
        shutil.rmtree(staging, ignore_errors=True)
        staging.mkdir(mode=0o700)
        try:
            tell("archive", 0)
            archive.unpack(file, staging)
            job = _Job(settings, manifest, services, tell, stamp, force, keys=not only)
            marks = _load_files(job) if mode == "sqlite" else _load_schemas(job)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    aside = folder / f"replaced-{stamp}"
    kept = [str(aside)] if aside.is_dir() else []
    kept += [f"schemas <service>_{stamp}"] if mode == "postgresql" else []
    notes = [*contradictions(marks), *lost_keys(settings)]
    notes += signers_doubt(settings, manifest.head) if "ledger" in services else ()
    return Outcome(manifest, file, notes, ", ".join(kept))


def _present(folder: Path) -> list[str]:
    return [service for service in ORDER if (folder / f"{service}.db").exists()]


def _load_files(job: _Job) -> dict[str, int]:
    folder, staging = job.settings.data_dir, job.staging
    marks: dict[str, int] = {}
    for number, service in enumerate(job.services):
        job.tell(service, number)
        path = staging / "stores" / f"{service}.db"
        check_sqlite(path)
        with asking_sqlite(path) as ask:
            marks |= _checked(service, ask, job.tell)
            if service in CHANNELS:
                list(ask(_new_epoch()))
    for path in staging.glob("stores/*"):
        if path.name.partition(".")[0] not in job.services:
            path.unlink()
    for service in set(_present(folder)) - set(job.services):
        with asking_sqlite(folder / f"{service}.db") as ask:
            marks |= marks_of(service, ask)
    if not job.keys:
        shutil.rmtree(staging / "keys", ignore_errors=True)
    _put_in_place(job)
    return marks


def _load_schemas(job: _Job) -> dict[str, int]:
    marks: dict[str, int] = {}
    with ExitStack() as stack:
        opened = {
            service: stack.enter_context(restoring_postgres(service, job.settings.database_url_for(service)))
            for service in job.services
        }
        full = [service for service in job.services if not is_empty(service, opened[service])]
        if full and not job.force:
            raise Conflict(f"{full[0]}: its schema holds a county already; --force puts the backup in its place")
        for number, (service, connection) in enumerate(opened.items()):
            job.tell(service, number)
            load_postgres(service, connection, job.manifest.stores[service], job.staging, f"{service}_{job.stamp}")
            marks |= _checked(service, connection.exec_driver_sql, job.tell)
            if service in CHANNELS:
                connection.exec_driver_sql(_new_epoch())
        # Nothing above is seen by anybody yet. Sources last: whatever is interrupted here, no channel is ahead.
        for connection in opened.values():
            connection.commit()
    for service in set(NEEDED) - set(job.services):
        with asking_postgres(service, job.settings.database_url_for(service)) as (_, ask):
            marks |= marks_of(service, ask)
    if job.keys:
        shutil.rmtree(job.staging / "stores")
        _put_in_place(job)
    return marks


def _put_in_place(job: _Job) -> None:
    """From the first line's end on, `finish_restore` carries it through, whoever interrupts us."""
    if job.keys:
        stage_memory(job.settings, job.staging / "keys", job.manifest.head)
    (job.staging / "aside").write_text(f"replaced-{job.stamp}", encoding="ascii")
    archive.sync_folder(job.staging)
    job.staging.replace(job.settings.data_dir / STAGED)
    finish_restore(job.settings.data_dir)


def _checked(service: str, ask: Ask, tell: Tell) -> dict[str, int]:
    if service == "ledger":
        check_ledger(ask, lambda entries: tell("ledger", entries))
    return marks_of(service, ask)


def _new_epoch() -> str:
    """A screen's cursor of before must not be taken for one of now: the same numbers will mean other changes."""
    return f"UPDATE state SET epoch = '{secrets.token_hex(4)}'"  # noqa: S608  # hex digits of our own


def _require_fit(settings: Settings, manifest: Manifest, mode: str, services: Sequence[str]) -> None:
    if manifest.region != settings.region:
        raise BadArchive(f"region: the backup is of {manifest.region}, TONGYUAN_REGION says {settings.region}")
    if manifest.mode != mode:
        raise BadArchive(f"mode: the backup is of a county on {manifest.mode}, the settings name {mode}")
    missing = [service for service in services if service not in manifest.stores]
    if missing:
        raise BadArchive(f"stores: {missing[0]} is missing")


def _mode(settings: Settings, *, reading: bool = False) -> str:
    """`sqlite` or `postgresql`. Raises `Conflict` for a mixture, `NotFound` when there is nothing to copy."""
    urls = {service: settings.database_url_for(service) for service in ORDER}
    lite = [service for service, url in urls.items() if url.startswith("sqlite")]
    if len(lite) not in (0, len(ORDER)):
        raise Conflict(
            f"{lite[0]} is on SQLite and others on PostgreSQL: TONGYUAN_{lite[0].upper()}_DATABASE_URL is not set"
        )
    if lite and not reading:
        missing = [service for service in NEEDED if not (settings.data_dir / f"{service}.db").exists()]
        if missing:
            raise NotFound(f"no county in {settings.data_dir}: there is no {missing[0]}.db")
    return "sqlite" if lite else "postgresql"


@contextmanager
def _dumped(settings: Settings, mode: str, service: str, folder: Path) -> Iterator[tuple[Store, Ask]]:
    if mode == "sqlite":
        path = settings.data_dir / f"{service}.db"
        store = dump_sqlite(path, folder)
        with asking_sqlite(folder / "stores" / path.name) as ask:
            yield store, ask
    else:
        with asking_postgres(service, settings.database_url_for(service)) as (connection, ask):
            yield dump_postgres(service, connection, ask, folder), ask


def _copy_keys(data_dir: Path, folder: Path) -> Iterator[str]:
    (folder / "keys").mkdir(mode=0o700)
    for name in KEYS:
        if os.access(data_dir / name, os.R_OK):
            shutil.copyfile(data_dir / name, folder / "keys" / name)
    if not (folder / "keys" / KEYS[0]).exists():
        yield f"the signing key is not in this backup: there is no {data_dir / KEYS[0]} here; keep it elsewhere"
