"""Backup of a whole county, on SQLite or PostgreSQL.

The stores are copied in the order imports, desk, auditor, channels, ledger, sources. Each only grows, so in a backup of
a running county no channel is ahead of the ledger, and the ledger is not ahead of a source. A store that is behind
catches up by itself after a restore.
"""

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from contracts.base import format_time
from contracts.envelope.publication import Head
from contracts.topology import AUDITOR, CONSOLE, IMPORTING, SOURCES, SUBSCRIPTIONS
from services.operations.archive import encryption, signed_file
from services.operations.archive.contents import ArchiveManifest, Store, describe_parts
from services.operations.archive.header import Header
from services.operations.archive.key import own_key
from services.operations.archive.staging import staging
from services.operations.backups.file_swap import STAGED
from services.operations.backups.store_copies import (
    Ask,
    asking_postgres,
    asking_sqlite,
    dump_postgres,
    dump_sqlite,
    has_store,
    tables_of,
)
from services.operations.backups.store_status import contradictions, head_of, marks_of, sealing_key_notes
from services.runtime.county_evidence import Evidence, require_own
from services.runtime.manifests import CHANNELS
from shared.config import Settings
from shared.errors import Conflict, NotFound
from shared.security.data_folder import make_private

NEEDED = (*CHANNELS, "ledger", *SOURCES)
# The auditor's findings and the desk's people and drafts are worth keeping, but a county can run without them, and
# backups of earlier versions have no desk.
ORDER = (SUBSCRIPTIONS, IMPORTING, CONSOLE, AUDITOR, *NEEDED)
KEYS = ("ledger-key.pem", *(f"{source}-key.pem" for source in SOURCES), "admin-token", "service-token")
Mode = Literal["sqlite", "postgresql"]
Tell = Callable[[str, int], None]


@dataclass
class BackupResult:
    """What was written or restored, and what the operator must know about it. `key`: the signer's key, as a vkey."""

    manifest: ArchiveManifest
    file: Path
    notes: list[str] = field(default_factory=list)
    kept: str = ""
    key: str = ""


@dataclass
class _Copied:
    """What was read from the stores while they were copied."""

    marks: dict[str, int] = field(default_factory=dict)
    stores: dict[str, Store] = field(default_factory=dict)
    head: Head | None = None
    sealed: list[str] = field(default_factory=list)


def backup(settings: Settings, target: Path, tell: Tell, encrypt_to: Sequence[str] = ()) -> BackupResult:
    """Write the county's signed backup to `target`: a file, or a folder in which it gets a name. The county may run.

    `encrypt_to`: recipients (age1…) that alone can read it; unencrypted data are then only in the data folder. If the
    process dies, `target` is the old file or the new one; the next backup there removes the temporary files.

    Raises `NotFound` without a county, `Unavailable` when a store cannot be read, `Conflict` for stores of both kinds
    or an interrupted restore, `Invalid` for an invalid recipient, `SettingsError` when the stores are of another
    county.
    """
    to = encryption.recipients(encrypt_to)
    now = datetime.now(UTC)
    if target.is_dir():
        target = target / f"tongyuan-{settings.region}-{now:%Y%m%dT%H%M%SZ}.backup"
    mode = mode_of(settings)
    if (settings.data_dir / STAGED).is_dir():
        raise Conflict(f"{settings.data_dir}: a restore was interrupted; first start the county or restore again")
    make_private(settings.data_dir)
    private, public = own_key(settings.data_dir, settings.log_origin)
    with staging(settings.data_dir if to else target.parent) as folder:
        copied = _copy_stores(settings, mode, folder, tell)
        notes = [*contradictions(copied.marks), *copied.sealed, *_copy_keys(settings.data_dir, folder)]
        manifest = ArchiveManifest(
            made_at=now,
            version=version("tongyuan"),
            mode=mode,
            region=settings.region,
            origin=settings.log_origin,
            county=settings.stated_county,
            head=copied.head,
            marks=copied.marks,
            stores=copied.stores,
            parts=describe_parts(folder),
        )
        header = Header(settings.region, settings.log_origin, format_time(now), "age" if to else "gzip", public)
        tell("archive", len(ORDER))
        signed_file.write(target, manifest, folder, header, private, to)
    return BackupResult(manifest, target, notes, key=public.vkey)


def mode_of(settings: Settings, *, reading: bool = False) -> Mode:
    """Return the kind of the stores. Raises `Conflict` for a mixture, `NotFound` when there is nothing to copy."""
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


def _copy_stores(settings: Settings, mode: Mode, folder: Path, tell: Tell) -> _Copied:
    copied = _Copied()
    for number, service in enumerate(ORDER):
        tell(service, number)
        if service not in NEEDED and not has_store(service, settings.database_url_for(service)):
            continue
        with _dumped(settings, mode, service, folder) as (store, ask):
            require_own(Evidence(service, ask, tables_of(ask, store), embedded=mode == "sqlite"), settings)
            copied.stores[service] = store
            copied.marks |= marks_of(service, ask)
            copied.head = head_of(ask) if service == "ledger" else copied.head
            copied.sealed += sealing_key_notes(service, ask)
    return copied


@contextmanager
def _dumped(settings: Settings, mode: Mode, service: str, folder: Path) -> Iterator[tuple[Store, Ask]]:
    if mode == "sqlite":
        path = settings.data_dir / f"{service}.db"
        store = dump_sqlite(service, path, folder)
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
            (folder / "keys" / name).chmod(0o600)
    if not (folder / "keys" / KEYS[0]).exists():
        yield f"{data_dir / KEYS[0]} does not exist here, so the signing key is not in this backup; keep a copy of it"
