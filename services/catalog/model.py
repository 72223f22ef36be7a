"""Tables of catalog in addition to the editions, and the context in which an item is checked."""

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from sqlalchemy import Column, MetaData, Text
from sqlmodel import Field, Session, SQLModel, col, select

from contracts.base import Json
from contracts.codes.identifiers import BASIC, LEVEL, USCC
from contracts.codes.item_checks import Context, FailedCheck, LiveCodes, check_item, rejected
from contracts.content.gates import ReviewPolicy
from contracts.content.items import DirectoryRow, Item
from shared.errors import Invalid, Violation
from shared.publishing.editions import EditionRow, EditionState, Period, ReleasingSource, bodies_in_force
from shared.text.local_midnight import begin

SOURCE = "catalog"


class CatalogModel(SQLModel):
    """Base of the tables that only catalog has."""

    metadata = MetaData()


class DirectoryOrigin(StrEnum):
    """The origin of a row of the 基本目录. Only GIVEN rows say what may be carried out (C-7)."""

    GIVEN = "given"
    GUESSED = "guessed"


class DirectoryEntry(CatalogModel, table=True):
    """One row of the 基本目录; `document` is a `contracts.content.items.DirectoryRow`."""

    __tablename__ = "directory"

    catalog_code: str = Field(primary_key=True, max_length=12)
    document: str = Field(sa_column=Column(Text, nullable=False))
    origin: str = Field(default=DirectoryOrigin.GIVEN, max_length=10)


@dataclass(frozen=True)
class CountyUnits:
    """The units of a county: its region, the 行政区划 in use (None: not known), and its list of units."""

    region: str
    divisions: Container[str] | None = None
    units: frozenset[str] = frozenset()


def publisher(region: str, review: ReviewPolicy = ReviewPolicy.NONE) -> ReleasingSource:
    """Return the source that releases items."""
    return ReleasingSource(SOURCE, "item", region, review=review)


def identity(code: str) -> Json:
    """Return the fields of an item that its code contains (domain 3.2)."""
    return {"code": code, "catalog_code": code[BASIC], "use_level": code[LEVEL], "dept_code": code[USCC]}


def context(session: Session, place: CountyUnits) -> Context:
    """Return the context of checks C-1 … C-10 for one item. The database is queried only when a check needs it."""

    def is_live(code: str) -> bool:
        row = session.get(EditionRow, code)
        return row is not None and row.state == EditionState.RELEASED

    def has_situations(code: str) -> bool:
        query = select(EditionRow.code).where(
            col(EditionRow.code).between(f"{code}00", f"{code}99"), EditionRow.state == EditionState.RELEASED
        )
        return session.exec(query.limit(1)).first() is not None

    def in_directory(code: str) -> DirectoryRow | None:
        row = session.get(DirectoryEntry, code)
        return DirectoryRow.model_validate_json(row.document) if row and row.origin == DirectoryOrigin.GIVEN else None

    # Without a given 基本目录, C-7 checks nothing, so that a county may begin without one.
    given = select(DirectoryEntry.catalog_code).where(DirectoryEntry.origin == DirectoryOrigin.GIVEN).limit(1)
    return Context(
        region=place.region,
        directory=in_directory if session.exec(given).first() is not None else None,
        divisions=place.divisions,
        units=place.units,
        live_codes=LiveCodes(is_live=is_live, has_situations=has_situations),
    )


def context_of_import(session: Session, place: CountyUnits, regions: Sequence[str], live: LiveCodes) -> Context:
    """Return the context for an import: the 基本目录 is read once; `live` is what will be released after the import.

    A unit of another division refuses its row, unless it is one of `regions`.
    """
    return Context(
        region=place.region,
        directory=directory_lookup(session),
        divisions=place.divisions,
        units=place.units | frozenset(regions),
        foreign="reject",
        live_codes=live,
    )


def directory_lookup(session: Session) -> Callable[[str], DirectoryRow | None] | None:
    """Return a look-up in the given 基本目录; None if none was given."""
    query = select(DirectoryEntry.catalog_code, DirectoryEntry.document)
    rows = dict(session.exec(query.where(DirectoryEntry.origin == DirectoryOrigin.GIVEN)).all())
    if not rows:
        return None

    def lookup(code: str) -> DirectoryRow | None:
        document = rows.get(code)
        return DirectoryRow.model_validate_json(document) if document else None

    return lookup


def put_directory(
    session: Session, rows: Sequence[DirectoryRow], *, merge: bool, origin: DirectoryOrigin = DirectoryOrigin.GIVEN
) -> list[str]:
    """Add or replace rows of the 基本目录; return the codes of changed rows. `merge` keeps levels that a row already
    has.

    A guessed row never changes a given one; a given row replaces a guessed one.
    """
    codes = [row.catalog_code for row in rows]
    query = select(DirectoryEntry).where(col(DirectoryEntry.catalog_code).in_(codes))
    known = {entry.catalog_code: entry for entry in session.exec(query)} if rows else {}
    changed: list[str] = []
    for row in rows:
        entry = known.get(row.catalog_code)
        if entry is not None and entry.origin == DirectoryOrigin.GIVEN and origin == DirectoryOrigin.GUESSED:
            continue
        before = DirectoryRow.model_validate_json(entry.document) if entry and entry.origin == origin else None
        levels = sorted({*row.use_level, *(before.use_level if before and merge else ())})
        document = row.model_copy(update={"use_level": levels}).model_dump_json()
        if entry is None:
            known[row.catalog_code] = entry = DirectoryEntry(catalog_code=row.catalog_code, document="", origin=origin)
        if (entry.document, entry.origin) != (document, origin):
            changed.append(row.catalog_code)
        entry.document, entry.origin = document, origin
        session.add(entry)
    session.flush()
    return changed


def read_units(text: str) -> frozenset[str]:
    """Parse the county's list of units: each line begins with a 6-digit 行政区划 (e.g. a former code of the county) or
    the 18 characters of a unit's code; the rest of the line is ignored. Raises `ValueError` naming the line.
    """
    found = set[str]()
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.partition("#")[0].replace(",", " ").split()
        if not words:
            continue
        code = words[0].strip().upper()
        if not (code.isascii() and code.isalnum() and (len(code) == 18 or (len(code) == 6 and code.isdigit()))):
            raise ValueError(
                f"line {number}: {words[0][:40]!r} is neither a 行政区划 (6 digits) nor a unit (18 characters)"
            )
        found.add(code)
    return frozenset(found)


def planned_ends(session: Session, who: ReleasingSource) -> list[tuple[str, date]]:
    """Return the items in force that have a 计划取消日期, with that date."""
    found = bodies_in_force(session, who, '"plan_cancel_date":"')
    return [(code, date.fromisoformat(body["plan_cancel_date"])) for code, body in found if "plan_cancel_date" in body]


def require_order_of_days(item: Item) -> None:
    """Raise `Invalid` for an item that ends before it begins, or on the same day."""
    start, end = item.plan_effective_date, item.plan_cancel_date
    if start is not None and end is not None and end <= start:
        message = f"must be later than plan_effective_date {start}"
        raise Invalid(Violation("plan_cancel_date", "after_effective", message, str(end)))


def planned_period(item: Item, period: Period, today: date) -> Period:
    """Return the period in which the item is shown: from its 计划生效日期 if the caller names no start.

    Raises `Invalid` when its 计划取消日期 has come: it would be withdrawn as soon as it is released.
    """
    end = item.plan_cancel_date
    if end is not None and end <= today:
        message = f"{end} is in the past: remove it, or enter the date on which the item really ends"
        raise Invalid(Violation("plan_cancel_date", "later_than_today", message, str(end)))
    require_order_of_days(item)
    start = item.plan_effective_date
    if period.effective_at is not None or start is None or start <= today:
        return period
    planned = replace(period, effective_at=begin(start))
    planned.check()
    return planned


def accept(item: Item, known: Context) -> list[FailedCheck]:
    """Return the findings that are only warnings. Raises `Invalid` with those that reject the item."""
    findings = check_item(item, known)
    if rejected(findings):
        bad = [finding for finding in findings if finding.severity == "reject"]
        raise Invalid(*(Violation(f.field, f.check, f.message, f.value) for f in bad))
    return findings
