"""Commands of the catalogue: save, release, import. Each is one function, one transaction, one event."""

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import orjson
from pydantic import Field
from sqlmodel import Session

from contracts.base import Json
from contracts.codes.item_checks import FailedCheck, LiveCodes
from contracts.content.gates import ReviewPolicy
from contracts.content.items import DirectoryRow, Item
from contracts.content.unstated_facts import corrected_item, suspect_item, unknown_of_item
from contracts.envelope.publication import Lane, Release
from services.catalog import model
from services.catalog.model import CountyUnits, DirectoryOrigin
from shared.audit.recording import AuditEntry, record
from shared.database.engine import Database
from shared.errors import Invalid, Violation
from shared.publishing import editions
from shared.publishing.editions import EditionRow, Leaving, Period, Plans, ReleasingSource, Terms, Then
from shared.publishing.editions.clearance import Exemption
from shared.publishing.fact_check import left_out, require_one_fact, unread_words
from shared.publishing.imports.answer import Outcome
from shared.publishing.imports.engine import Check, Importer, run_import
from shared.publishing.imports.request import MAX_ROWS, ImportRequest
from shared.publishing.imports.rules import BodyRules
from shared.publishing.reviews.findings.finder import Finder
from shared.publishing.reviews.findings.word_lists import WordLists
from shared.publishing.reviews.roles import RELEASING, require_role
from shared.publishing.reviews.submitting import Reviewing
from shared.text.local_midnight import today
from shared.text.validation import body_of, draft_body, parse, parse_draft, require_known_codes
from shared.tokens.person import SYSTEM, Actor
from shared.transparency.canonical import digest

ENDS_SECONDS = 30.0


class ItemImport(ImportRequest):
    """Items with rows of the 基本目录. The rows add to the levels that existing rows already allow.

    `directory` was given as such and says what may be carried out. `guessed` was inferred from items.
    """

    directory: list[DirectoryRow] = Field(default=[], max_length=MAX_ROWS)
    guessed: list[DirectoryRow] = Field(default=[], max_length=MAX_ROWS)


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Catalog:
    """The catalogue's commands over its database.

    `divisions`: the known 6-digit 行政区划 codes; `units`: units and divisions that are accepted too. Both are for
    check C-8. `clock` returns the current time. `review`: what the county demands before a release; `lists`: its words.
    """

    db: Database
    region: str
    divisions: Container[str] | None = None
    units: frozenset[str] = frozenset()
    clock: Callable[[], datetime] = _now
    review: ReviewPolicy = ReviewPolicy.NONE
    lists: WordLists = field(default_factory=WordLists)
    who: ReleasingSource = field(init=False)
    place: CountyUnits = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "who", model.publisher(self.region, self.review))
        object.__setattr__(self, "place", CountyUnits(self.region, self.divisions, self.units))

    def save_item(self, by: Actor, code: str, content: Any, revision: int | None) -> tuple[EditionRow, list[Json]]:
        """Store a draft; return it with the findings of the checks.

        Raises `Invalid` and the errors of `editions.save`.
        """
        item = parse_draft(Item, content)
        if item.code != code:
            raise Invalid(Violation("code", "same_as_path", f"is {item.code}, but the address says {code}", item.code))

        # A draft is not released: if the process dies after the commit, the draft is stored and no channel shows it.
        def save(session: Session) -> tuple[EditionRow, list[FailedCheck]]:
            findings = model.accept(item, model.context(session, self.place))
            require_one_fact(item)
            return editions.save(session, self.who, by, code, body_of(item), revision), findings

        row, findings = self.db.write_together(save)
        return row, [*(_finding(finding) for finding in findings), *unread_words(item)]

    def release_item(
        self,
        by: Actor,
        code: str,
        period: Period,
        revision: int | None,
        plans: Plans | None = None,
        then: Then | None = None,
    ) -> tuple[EditionRow, Release | None]:
        """Release the draft, from its 计划生效日期 on if `period` names no start.

        It is checked again: the 基本目录 may have changed since it was saved, and an earlier version accepted any code.
        Raises `Invalid`, `NotFound`, `Conflict`; returns None for the release when exactly this is released already.
        `then` is called in the same transaction, after the release.
        """
        return editions.release_draft(self.db, self.who, self.planned, by, code, Terms(period, revision, plans), then)

    def planned(self, session: Session, code: str, period: Period) -> Period:
        """Return the period in which the draft will be shown. Raises what `checked_draft` raises."""
        return model.planned_period(self.checked_draft(session, code), period, today(self.clock()))

    @property
    def reviewing(self) -> Reviewing:
        """What reviews of items need."""
        return Reviewing(self.db, self.who, self.planned, Finder(Item, self.lists))

    def checked_draft(self, session: Session, code: str) -> Item:
        """Return the draft. Raises `NotFound`, and `Invalid` unless it may be released."""
        item = parse(Item, orjson.loads(editions.find(session, code).draft))
        model.accept(item, model.context(session, self.place))
        require_one_fact(item)
        return item

    def save_directory(self, by: Actor, rows: Sequence[DirectoryRow], *, merge: bool = False) -> int:
        """Add or replace rows of the 基本目录. `merge` keeps the levels that a row already allows.

        Raises `Invalid`, `NotAllowed`.
        """
        require_role(by, RELEASING)
        for row in rows:
            require_known_codes(row)
        # One transaction: if the process dies before its commit, no row has changed.
        with self.db.write() as session:
            changed = model.put_directory(session, rows, merge=merge)
            content = digest([row.model_dump(mode="json") for row in rows])
            told = {"rows": len(rows), "changed": len(changed), "content": content, "merge": merge}
            record(session, by, AuditEntry("directory", "directory", None, told))
        return len(rows)

    def import_items(self, by: Actor, request: ItemImport) -> Outcome:
        """Execute the request's rows in one transaction on the backfill lane; report what is wrong with the others."""

        def checking(session: Session, live: LiveCodes) -> Check:
            known = model.context_of_import(session, self.place, request.regions, live)

            def check(body: Json) -> tuple[Json, list[Json]]:
                item = Item.model_validate(body)
                model.require_order_of_days(item)
                settled, findings = left_out(item, body)
                checked = [_finding(one) for one in model.accept(item, known)]
                return (body if settled is None else _complete(settled)), checked + findings

            return check

        def prepare(session: Session) -> list[str]:
            model.put_directory(session, request.guessed, merge=True, origin=DirectoryOrigin.GUESSED)
            return model.put_directory(session, request.directory, merge=True)

        # One transaction: if the process dies before its commit, nothing of the import remains and it can be repeated.
        # After it, a repetition releases nothing twice: a body that is released already is left as it is.
        return run_import(Importer(self.reviewing, RULES, checking), by, request, prepare)

    def withdraw_cancelled(self) -> int:
        """Withdraw items in force whose 计划取消日期 has come, in the county's time (domain.md 7.3, G-16); return how
        many.

        The date in a draft does not count, because it is not released.
        """
        day = today(self.clock())
        with self.db.write() as session:
            # If the process dies before the commit: nothing is withdrawn, and the timer's next call finds the same
            # items.
            due = [code for code, end in model.planned_ends(session, self.who) if end <= day]
            # The date was in the body that was reviewed.
            how = Leaving(grounds=Exemption.PLANNED_END)
            releases = editions.withdraw_many(session, self.who, SYSTEM, due, Lane.LIVE, how)
        return len(releases)


def _complete(content: Json) -> Json:
    return draft_body(Item, content)


def _planned_end(body: Json) -> date | None:
    end = body.get("plan_cancel_date")
    return date.fromisoformat(end) if end else None


def _unknown(body: Json) -> list[str]:
    return unknown_of_item(_tolerant(body))


def _filled_in(body: Json) -> list[str]:
    """The fields that an import may have filled in.

    Earlier imports derived 办理形式 from other columns of the portal.
    """
    suspect = suspect_item(_tolerant(body))
    return [*suspect, "handle_type"] if suspect else []


def _corrected(before: Json, after: Json) -> list[str]:
    taken_back = corrected_item(_tolerant(before), _tolerant(after))
    return [*taken_back, "handle_type"] if taken_back and not after.get("handle_type") else taken_back


def _tolerant(body: Json) -> Item:
    """Parse a body of any version; fields that the current model lacks are ignored."""
    return Item.model_validate(body, extra="ignore")


RULES = BodyRules(
    identity=model.identity,
    complete=_complete,
    ends=_planned_end,
    shared=("task_name", "dept_name"),
    listing=frozenset({"task_name"}),
    unknown=_unknown,
    filled_in=_filled_in,
    corrected=_corrected,
)


def _finding(finding: FailedCheck) -> Json:
    return {"check": finding.check, "field": finding.field, "message": finding.message, "value": finding.value}
