"""Where a release came from: the file, its row, who imported it, and the name of the source."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from sqlalchemy import Column, Integer, String, Table, insert, select
from sqlmodel import Session

from contracts.base import Json, format_time
from contracts.envelope.publication import Release
from shared.publishing.imports.request import ImportEntry, ImportRequest
from shared.publishing.imports.statement import imports_metadata

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
    session: Session, request: ImportRequest, releases: Iterable[Release], entries: Mapping[str, ImportEntry]
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
            "by": request.by,
            "imported_at": now,
        }
        for release in releases
        if release.key in entries
    ]
    if rows:
        session.connection().execute(insert(PROVENANCE), rows)


def provenance_of(session: Session, key: str) -> list[Json]:
    """Return the provenance of every imported version of a key, oldest first."""
    query = select(PROVENANCE).where(PROVENANCE.c.key == key).order_by(PROVENANCE.c.version)
    return [dict(row) for row in session.connection().execute(query).mappings()]
