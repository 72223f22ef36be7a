"""Where a release came from: the file, its row, who imported it, and the name of the source."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy import Column, Integer, String, Table, insert, select
from sqlmodel import Session

from contracts.base import Json, format_time
from contracts.envelope.publication import Release
from shared.audit.recording import AuditEntry
from shared.publishing.imports.answer import Outcome
from shared.publishing.imports.request import ImportEntry, ImportRequest
from shared.publishing.imports.statement import imports_metadata
from shared.tokens.person import Actor

UNDONE = "!undo"
"""The source of versions that take an import back; no source of imports can have this name."""

PROVENANCE = Table(
    "import_provenance",
    imports_metadata,
    Column("key", String(128), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("source", String(50), nullable=False),
    Column("file", String(300)),
    Column("sha256", String(64)),
    Column("row", Integer),
    Column("by", String(100)),
    Column("imported_at", String(27), nullable=False),
)


def record(
    session: Session,
    by: Actor,
    request: ImportRequest,
    releases: Iterable[Release],
    entries: Mapping[str, ImportEntry],
) -> None:
    """Store where `releases` came from. `entries`: ledger key → the entry that caused the release."""
    now = format_time(datetime.now(UTC))
    file = request.file
    rows = [
        {
            "key": release.key,
            "version": release.version,
            "source": request.source,
            "file": file.name if file else None,
            "sha256": file.sha256 if file else None,
            "row": entries[release.key].row,
            "by": importer(request.by, by),
            "imported_at": now,
        }
        for release in releases
        if release.key in entries
    ]
    if rows:
        session.connection().execute(insert(PROVENANCE), rows)


def importer(stated: str | None, by: Actor) -> str | None:
    """Return who imported or undid: as the request says, else the person. A machine that says nothing stays unnamed."""
    return stated or (by.title if by.person else None)


def audit_entry(request: ImportRequest, outcome: Outcome) -> AuditEntry:
    """Return what the audit log says of a whole import; what it released and withdrew has entries of its own."""
    file = request.file
    after = {
        "source": request.source,
        "file": file.name if file else None,
        "conversion": request.conversion,
        "confirmed": sorted(request.confirmed()),
        "rows": dict(Counter(str(one.fate) for one in outcome.entries)),
    }
    return AuditEntry("import", f"import:{file.sha256 if file else request.source}", None, after)


def record_undo(session: Session, source: str, sha256: str, by: str | None, releases: Iterable[Release]) -> None:
    """Store that `releases` take back what `source` imported from the file with this digest."""
    now = format_time(datetime.now(UTC))
    known = {"source": UNDONE, "file": source, "sha256": sha256, "row": None, "by": by, "imported_at": now}
    rows = [{"key": release.key, "version": release.version, **known} for release in releases]
    if rows:
        session.connection().execute(insert(PROVENANCE), rows)


@dataclass
class ImportedVersions:
    """The imported versions of one key: `ours` by the file asked for; `others`, with their provenance."""

    ours: set[int] = field(default_factory=set)
    others: dict[int, Json] = field(default_factory=dict)

    def standing(self, sha256: str) -> set[int]:
        """Return those of `ours` that no undo of the file has taken back yet."""
        undone = [version for version, row in self.others.items() if (row["source"], row["sha256"]) == (UNDONE, sha256)]
        return {version for version in self.ours if version > max(undone, default=0)}


def imported_versions(session: Session, source: str, sha256: str) -> dict[str, ImportedVersions]:
    """Return the imported versions of every key of which `source` has imported a version from this file."""
    columns = PROVENANCE.c
    keys = select(columns.key).where(columns.source == source, columns.sha256 == sha256)
    found: dict[str, ImportedVersions] = {}
    for row in session.connection().execute(select(PROVENANCE).where(columns.key.in_(keys))).mappings():
        known = found.setdefault(row["key"], ImportedVersions())
        if (row["source"], row["sha256"]) == (source, sha256):
            known.ours.add(row["version"])
        else:
            known.others[row["version"]] = dict(row)
    return found


def provenance_of(session: Session, key: str) -> list[Json]:
    """Return the provenance of every imported version of a key, oldest first."""
    query = select(PROVENANCE).where(PROVENANCE.c.key == key).order_by(PROVENANCE.c.version)
    return [dict(row) for row in session.connection().execute(query).mappings()]
