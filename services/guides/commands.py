"""save, release, import: one function, one transaction, one event."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlmodel import Session

from contracts.base import Json
from contracts.guides import Guide
from contracts.publication import Release
from services.guides import model
from shared import editions
from shared.database import Database
from shared.editions import EditionRow, Period, Publisher
from shared.errors import Invalid, Violation
from shared.importing import ImportRequest, Outcome, Row, run_import
from shared.validation import body_of, parse_draft


@dataclass(frozen=True)
class Guides:
    """The guides' commands over their database."""

    db: Database
    region: str
    who: Publisher = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "who", model.publisher(self.region))

    def save_guide(self, code: str, content: Any, revision: int | None) -> tuple[EditionRow, list[Json]]:
        """Store a draft. Raises `Invalid` and the editions' errors."""
        row = _accept(content)
        if row.code != code:
            raise Invalid(Violation("code", "same_as_path", f"is {row.code}, but the address says {code}", row.code))
        with self.db.write() as session:
            return editions.save(session, code, row.body, revision), []

    def release_guide(self, code: str, period: Period, revision: int | None) -> tuple[EditionRow, Release | None]:
        """Release the draft as the next version."""
        with self.db.write() as session:
            return editions.release(session, self.who, code, period, revision)

    def import_guides(self, request: ImportRequest) -> Outcome:
        """Release every acceptable row in one transaction on the backfill lane; name what is wrong with the others."""
        return run_import(self.db, self.who, request, _accepting)


def _accepting(_session: Session) -> Callable[[Any], Row]:
    return _accept


def _accept(content: Any) -> Row:
    guide = parse_draft(Guide, content)
    model.accept(guide)
    return Row(guide.code, body_of(guide), [])
