"""Tables of catalog beside the editions, and what an item is checked against."""

from collections.abc import Callable, Container, Sequence
from datetime import date

import orjson
from sqlalchemy import Column, MetaData, Text
from sqlmodel import Field, Session, SQLModel, col, select

from contracts.catalog import DirectoryRow, Item
from contracts.checks import Context, Finding, LiveCodes, check_item, rejected
from shared.editions import EditionRow, Publisher, State, states
from shared.errors import Invalid, Violation

SOURCE = "catalog"


class CatalogModel(SQLModel):
    """Tables that only catalog has."""

    metadata = MetaData()


class DirectoryEntry(CatalogModel, table=True):
    """One row of the 基本目录; `document` is a `contracts.catalog.DirectoryRow`."""

    __tablename__ = "directory"

    catalog_code: str = Field(primary_key=True, max_length=12)
    document: str = Field(sa_column=Column(Text, nullable=False))


def publisher(region: str) -> Publisher:
    """Who releases items."""
    return Publisher(SOURCE, "item", region)


def context(session: Session, region: str, divisions: Container[str] | None) -> Context:
    """What the checks C-1 … C-10 need to know of this county for one item: asked of the database as they need it."""

    def is_live(code: str) -> bool:
        row = session.get(EditionRow, code)
        return row is not None and row.state == State.RELEASED

    def has_situations(code: str) -> bool:
        query = select(EditionRow.code).where(
            col(EditionRow.code).between(f"{code}00", f"{code}99"), EditionRow.state == State.RELEASED
        )
        return session.exec(query.limit(1)).first() is not None

    def in_directory(code: str) -> DirectoryRow | None:
        row = session.get(DirectoryEntry, code)
        return DirectoryRow.model_validate_json(row.document) if row else None

    # An empty 基本目录 checks nothing (C-7), so that a county may begin without one.
    has_directory = session.exec(select(DirectoryEntry.catalog_code).limit(1)).first() is not None
    return Context(
        region=region,
        directory=in_directory if has_directory else None,
        divisions=divisions,
        live_codes=LiveCodes(is_live=is_live, has_situations=has_situations),
    )


def context_for_many(session: Session, region: str, divisions: Container[str] | None) -> Context:
    """The same for an import: read once, answered from memory."""
    live = [code for code, state in states(session).items() if state == State.RELEASED]
    return Context(
        region=region,
        directory=directory_lookup(session),
        divisions=divisions,
        live_codes=LiveCodes.of(live),
    )


def directory_lookup(session: Session) -> Callable[[str], DirectoryRow | None] | None:
    """The whole 基本目录 as a look-up; None while it is empty."""
    rows = dict(session.exec(select(DirectoryEntry.catalog_code, DirectoryEntry.document)).all())
    if not rows:
        return None

    def lookup(code: str) -> DirectoryRow | None:
        document = rows.get(code)
        return DirectoryRow.model_validate_json(document) if document else None

    return lookup


def put_directory(session: Session, rows: Sequence[DirectoryRow], *, merge: bool) -> None:
    """Add or replace rows of the 基本目录; `merge` keeps the levels that a row allows already."""
    lookup = directory_lookup(session) if merge and rows else None
    for row in rows:
        known = lookup(row.catalog_code) if lookup else None
        levels = sorted({*row.use_level, *(known.use_level if known else ())})
        whole = row.model_copy(update={"use_level": levels})
        session.merge(DirectoryEntry(catalog_code=row.catalog_code, document=whole.model_dump_json()))


def planned_ends(session: Session) -> list[tuple[str, date]]:
    """Released items that have a 计划取消日期, with it."""
    query = select(EditionRow.code, EditionRow.draft).where(
        EditionRow.state == State.RELEASED, col(EditionRow.draft).contains('"plan_cancel_date":"')
    )
    return [(code, date.fromisoformat(orjson.loads(draft)["plan_cancel_date"])) for code, draft in session.exec(query)]


def accept(item: Item, known: Context) -> list[Finding]:
    """Findings that do not stand in the way. Raises `Invalid` with those that do."""
    findings = check_item(item, known)
    if rejected(findings):
        bad = [finding for finding in findings if finding.severity == "reject"]
        raise Invalid(*(Violation(f.field, f.check, f.message, f.value) for f in bad))
    return findings
