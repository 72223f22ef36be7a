"""save, release, import: one function, one transaction, one event."""

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from pydantic import Field
from sqlmodel import Session

from contracts.base import Json
from contracts.catalog import DirectoryRow, Item
from contracts.checks import Finding
from contracts.publication import Lane, Release
from services.catalog import model
from shared import editions
from shared.database import Database
from shared.editions import EditionRow, Period, Publisher
from shared.errors import Invalid, Violation
from shared.importing import MAX_ROWS, ImportRequest, Outcome, Row, run_import
from shared.validation import body_of, parse_draft

COUNTY_TIME = ZoneInfo("Asia/Shanghai")
ENDS_SECONDS = 30.0


class ItemImport(ImportRequest):
    """Items, and the rows of the 基本目录 that come with them: they add to what those rows allow already."""

    directory: list[DirectoryRow] = Field(default=[], max_length=MAX_ROWS)


@dataclass(frozen=True)
class Catalog:
    """The catalogue's commands over its database. `divisions`: known 6-digit 行政区划 codes, for check C-8."""

    db: Database
    region: str
    divisions: Container[str] | None = None
    who: Publisher = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "who", model.publisher(self.region))

    def save_item(self, code: str, content: Any, revision: int | None) -> tuple[EditionRow, list[Json]]:
        """Store a draft and say what is doubtful about it. Raises `Invalid` and the editions' errors."""
        item = parse_draft(Item, content)
        if item.code != code:
            raise Invalid(Violation("code", "same_as_path", f"is {item.code}, but the address says {code}", item.code))
        with self.db.write() as session:
            known = model.context(session, self.region, self.divisions)
            findings = model.accept(item, known)
            row = editions.save(session, code, body_of(item), revision)
        return row, [_finding(finding) for finding in findings]

    def release_item(self, code: str, period: Period, revision: int | None) -> tuple[EditionRow, Release | None]:
        """Release the draft. It is checked again: the 基本目录 may have changed since it was saved."""
        with self.db.write() as session:
            item = Item.model_validate(orjson.loads(editions.find(session, code).draft))
            model.accept(item, model.context(session, self.region, self.divisions))
            return editions.release(session, self.who, code, period, revision)

    def save_directory(self, rows: Sequence[DirectoryRow], *, merge: bool = False) -> int:
        """Add or replace rows of the 基本目录. `merge` keeps the levels that a row allows already."""
        with self.db.write() as session:
            model.put_directory(session, rows, merge=merge)
        return len(rows)

    def import_items(self, request: ItemImport) -> Outcome:
        """Release every acceptable row in one transaction on the backfill lane; name what is wrong with the others."""

        def accepting(session: Session) -> Callable[[Any], Row]:
            model.put_directory(session, request.directory, merge=True)
            return self._accepting(session)

        return run_import(self.db, self.who, request, accepting)

    def withdraw_cancelled(self) -> int:
        """Withdraw items whose 计划取消日期 has come, in the county's time (domain.md 7.3, G-16); how many."""
        today = datetime.now(COUNTY_TIME).date()
        with self.db.write() as session:
            due = [code for code, day in model.planned_ends(session) if day <= today]
            releases = editions.withdraw_many(session, self.who, due, Lane.LIVE)
        return len(releases)

    def _accepting(self, session: Session) -> Callable[[Any], Row]:
        known = model.context_for_many(session, self.region, self.divisions)

        def accept(content: Any) -> Row:
            item = parse_draft(Item, content)
            return Row(item.code, body_of(item), [_finding(finding) for finding in model.accept(item, known)])

        return accept


def _finding(finding: Finding) -> Json:
    return {"check": finding.check, "field": finding.field, "message": finding.message, "value": finding.value}
