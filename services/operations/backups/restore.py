"""Restore of a whole county, on SQLite or PostgreSQL. The backup is checked completely before any file is replaced."""

import secrets
import shutil
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from contracts.topology import SOURCES
from services.operations.archive import encryption, key, signed_file
from services.operations.archive.contents import ArchiveManifest, BadArchive
from services.operations.archive.signed_file import Checked
from services.operations.backups.backup import NEEDED, ORDER, BackupResult, Mode, Tell, mode_of
from services.operations.backups.file_swap import STAGED, STAGING, finish_restore, locked
from services.operations.backups.statements import SET_EPOCH
from services.operations.backups.store_copies import (
    asking_postgres,
    asking_sqlite,
    check_sqlite,
    is_empty,
    load_postgres,
    restoring_postgres,
    tables_of,
)
from services.operations.backups.store_status import (
    check_ledger,
    contradictions,
    history_conflicts,
    marks_of,
    missing_sealing_keys,
    signer_refusals,
    stage_signer_state,
)
from services.runtime.county_evidence import Evidence, require_own
from services.runtime.manifests import CHANNELS
from shared.config import Settings
from shared.errors import Conflict, SettingsError, Unavailable
from shared.security.data_folder import tighten


@dataclass(frozen=True)
class Consent:
    """What the operator has agreed to.

    `key`: the public key to trust (a vkey, or a file of them), else the pinned ones. `identity`: the file that
    decrypts. `unsigned`: accept a backup from before signatures. `force`: even if there is a county. `set_back`: even
    if the county here is ahead of the backup, or has another history.
    """

    key: str | None = None
    identity: Path | None = None
    unsigned: bool = False
    force: bool = False
    set_back: bool = False


@dataclass(frozen=True)
class _Job:
    """One restore. `stamp` is part of the name under which replaced files or schemas are kept."""

    settings: Settings
    manifest: ArchiveManifest
    services: Sequence[str]
    tell: Tell
    stamp: str
    consent: Consent
    keys: bool
    set_back: list[str] = field(default_factory=list)
    """What the county here has and the backup lacks, in words."""

    @property
    def staging(self) -> Path:
        """The folder in which the archive is unpacked."""
        return self.settings.data_dir / STAGING


def restore(settings: Settings, source: Path, only: Sequence[str], tell: Tell, consent: Consent) -> BackupResult:
    """Restore a backup; `only`: these services' stores, and no keys. It is checked completely before anything is
    changed.

    What was there before is kept. Raises `BadArchive`; `Conflict` while the county runs, when there is one and not
    `consent.force`, or when it is ahead of the backup and not `consent.set_back`; `Invalid` for an invalid key; OSError
    and `Unavailable` when there is no room. In each case the county is unchanged.
    """
    mode = mode_of(settings, reading=True)
    tell("signature", 0)
    checked = _checked_file(settings, source, consent)
    manifest = signed_file.read_manifest(checked)
    services = [service for service in ORDER if service in (only or {*NEEDED, *manifest.stores})]
    _require_fit(settings, manifest, mode, services)
    stamp = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}".lower()
    with locked(settings.data_dir) as folder:
        finish_restore(folder)
        tightened = tighten(folder).lines(folder)
        if mode == "sqlite" and _present(folder) and not consent.force:
            raise Conflict(f"{folder} already contains a county; --force replaces it and keeps a copy")
        staging = folder / STAGING
        staging.mkdir(mode=0o700)
        try:
            tell("archive", 0)
            if signed_file.unpack(checked, staging) != manifest:
                raise BadArchive(f"{source.name}: was changed while it was read")
            job = _Job(settings, manifest, services, tell, stamp, consent, keys=not only)
            marks = _load_files(job) if mode == "sqlite" else _load_schemas(job)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
        if checked.header is not None:
            key.pin(folder, checked.header.key)
    aside = folder / f"replaced-{stamp}"
    kept = [str(aside)] if aside.is_dir() else []
    kept += [f"schemas <service>_{stamp}"] if mode == "postgresql" else []
    notes = [*tightened, *contradictions(marks), *missing_sealing_keys(settings)]
    notes += signer_refusals(settings, manifest.head) if "ledger" in services else ()
    signer = checked.header.key.vkey if checked.header else ""
    return BackupResult(manifest, source, notes, ", ".join(kept), signer)


def _checked_file(settings: Settings, source: Path, consent: Consent) -> Checked:
    trusted = key.parse_keys(consent.key) if consent.key else key.pinned(settings.data_dir)
    checked = signed_file.check(source, trusted, unsigned=consent.unsigned)
    return replace(checked, identities=encryption.identities(consent.identity) if consent.identity else ())


def _present(folder: Path) -> list[str]:
    return [service for service in ORDER if (folder / f"{service}.db").exists()]


def _load_files(job: _Job) -> dict[str, int]:
    folder, staging = job.settings.data_dir, job.staging
    marks: dict[str, int] = {}
    for number, service in enumerate(job.services):
        job.tell(service, number)
        path = staging / "stores" / f"{service}.db"
        check_sqlite(service, path, job.manifest.stores[service])
        with asking_sqlite(path) as ask:
            tables = tables_of(ask, job.manifest.stores[service])
            marks |= _checked(job, Evidence(service, ask, tables, embedded=True))
            if service in CHANNELS:
                list(ask(_new_epoch()))
    before = {service: _marks_of_file(service, folder / f"{service}.db") for service in _present(folder)}
    _require_not_set_back(job, before, marks)
    for path in staging.glob("stores/*"):
        if path.name.partition(".")[0] not in job.services:
            path.unlink()
    if not job.keys:
        shutil.rmtree(staging / "keys", ignore_errors=True)
    _put_in_place(job)
    for service in before.keys() - set(job.services):
        marks |= before[service]
    return marks


def _load_schemas(job: _Job) -> dict[str, int]:
    marks: dict[str, int] = {}
    with ExitStack() as stack:
        opened = {
            service: stack.enter_context(restoring_postgres(service, job.settings.database_url_for(service)))
            for service in job.services
        }
        full = [service for service in job.services if not is_empty(service, opened[service])]
        if full and not job.consent.force:
            raise Conflict(f"{full[0]}: its schema already contains a county; --force replaces it")
        before = {service: _marks_of_schema(service, job.settings) for service in full}
        for number, (service, connection) in enumerate(opened.items()):
            job.tell(service, number)
            load_postgres(service, connection, job.manifest.stores[service], job.staging, f"{service}_{job.stamp}")
            tables = job.manifest.stores[service].columns
            marks |= _checked(job, Evidence(service, connection.exec_driver_sql, tables, embedded=False))
            if service in CHANNELS:
                connection.exec_driver_sql(_new_epoch())
        _require_not_set_back(job, before, marks)
        # Nothing above is visible to others yet. Sources come last: if this is interrupted, no channel is ahead.
        for connection in opened.values():
            connection.commit()
    for service in set(NEEDED) - set(job.services):
        marks |= _marks_of_schema(service, job.settings)
    if job.keys:
        shutil.rmtree(job.staging / "stores")
        _put_in_place(job)
    return marks


def _checked(job: _Job, evidence: Evidence) -> dict[str, int]:
    """Check that a store of the backup is sound and of this county; return how far it is. Raises `BadArchive`."""
    try:
        require_own(evidence, job.settings)
    except SettingsError as error:
        raise BadArchive(f"{evidence.service}: {error}") from error
    if evidence.service == "ledger":
        tiles = check_ledger(evidence.ask, lambda entries: job.tell("ledger", entries))
        job.set_back.extend(history_conflicts(job.settings, tiles))
    return marks_of(evidence.service, evidence.ask)


def _require_not_set_back(job: _Job, before: Mapping[str, Mapping[str, int]], marks: Mapping[str, int]) -> None:
    """Raise `Conflict` when the county here is ahead of the backup, unless the operator has agreed to that."""
    job.set_back.extend(
        f"{name} is at {mark} here but at {marks.get(name, 0)} in the backup"
        for service in ("ledger", *SOURCES)
        if service in job.services
        for name, mark in before.get(service, {}).items()
        if "<" not in name and mark > marks.get(name, 0)
    )
    if job.set_back and not job.consent.set_back:
        raise Conflict(
            f"the backup of {job.manifest.made_at:%Y-%m-%d %H:%M:%S} UTC would set this county back: "
            f"{'; '.join(job.set_back)}. Nothing was changed; --set-back restores it anyway"
        )


def _marks_of_file(service: str, path: Path) -> dict[str, int]:
    """Return how far a present store is; empty if it cannot be read, which may be the reason for the restore."""
    try:
        with asking_sqlite(path) as ask:
            return marks_of(service, ask)
    except (sqlite3.Error, StopIteration):
        return {}


def _marks_of_schema(service: str, settings: Settings) -> dict[str, int]:
    try:
        with asking_postgres(service, settings.database_url_for(service)) as (_, ask):
            return marks_of(service, ask)
    except (Unavailable, StopIteration):
        return {}


def _put_in_place(job: _Job) -> None:
    """Exchange the files. Once STAGING is renamed, `finish_restore` completes the restore after any interruption."""
    if job.keys:
        stage_signer_state(job.settings, job.staging / "keys", job.manifest.head)
    (job.staging / "aside").write_text(f"replaced-{job.stamp}", encoding="ascii")
    signed_file.sync_folder(job.staging)
    # If the process dies before this line, the county is unchanged. After it, the next `up` or `restore` finishes.
    job.staging.replace(job.settings.data_dir / STAGED)
    finish_restore(job.settings.data_dir)


def _new_epoch() -> str:
    return SET_EPOCH.format(epoch=secrets.token_hex(4))


def _require_fit(settings: Settings, manifest: ArchiveManifest, mode: Mode, services: Sequence[str]) -> None:
    if manifest.region != settings.region:
        raise BadArchive(f"region: the backup is of {manifest.region}, but TONGYUAN_REGION is {settings.region}")
    if manifest.origin not in (None, settings.log_origin):
        raise BadArchive(
            f"origin: the backup is of the log {manifest.origin}, but the settings name {settings.log_origin}"
        )
    if manifest.mode != mode:
        raise BadArchive(f"mode: the backup is of a county on {manifest.mode}, but the settings name {mode}")
    missing = [service for service in services if service not in manifest.stores]
    if missing:
        raise BadArchive(f"stores: {missing[0]} is missing")
