"""Commands of the guides: save, release, import. Each is one function, one transaction, one event."""

from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlmodel import Session

from contracts.base import Json
from contracts.codes.item_checks import LiveCodes
from contracts.content.gates import ReviewPolicy
from contracts.content.guides import Guide
from contracts.content.unstated_facts import corrected_guide, is_empty, suspect_guide, unknown_of_guide
from contracts.envelope.publication import Release
from services.guides import model
from services.guides.files.store import require_stored
from services.guides.quoted_facts import QuotedFacts
from shared.database.engine import Database
from shared.errors import Invalid, Violation
from shared.publishing import editions
from shared.publishing.editions import EditionRow, Period, Plans, ReleasingSource, Terms, Then
from shared.publishing.fact_check import left_out, require_one_fact, unread_words
from shared.publishing.imports.answer import Outcome
from shared.publishing.imports.engine import Check, Importer, run_import
from shared.publishing.imports.request import ImportRequest
from shared.publishing.imports.rules import BodyRules
from shared.publishing.reviews.findings.finder import Finder
from shared.publishing.reviews.findings.word_lists import WordLists
from shared.publishing.reviews.submitting import Reviewing
from shared.text.validation import body_of, draft_body, parse, parse_draft
from shared.tokens.person import Actor


@dataclass(frozen=True)
class Guides:
    """The guides' commands over their database. `review`, `lists`: see `services.catalog.commands.Catalog`."""

    db: Database
    region: str
    review: ReviewPolicy = ReviewPolicy.NONE
    lists: WordLists = field(default_factory=WordLists)
    who: ReleasingSource = field(init=False)
    quoted: QuotedFacts = field(default_factory=QuotedFacts, init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "who", model.publisher(self.region, self.review))

    def save_guide(self, by: Actor, code: str, content: Any, revision: int | None) -> tuple[EditionRow, list[Json]]:
        """Store a draft; return it with the words that cannot be compared with the field beside them.

        Raises `Invalid` and the errors of `editions.save`.
        """
        guide = parse_draft(Guide, content)
        model.accept(guide)
        if guide.code != code:
            raise Invalid(
                Violation("code", "same_as_path", f"is {guide.code}, but the address says {code}", guide.code)
            )
        require_one_fact(guide)
        body = body_of(guide)

        # A draft is not released: if the process dies after the commit, the draft is stored and no channel shows it.
        def save(session: Session) -> EditionRow:
            require_stored(session, guide)
            return editions.save(session, self.who, by, code, body, revision)

        return self.db.write_together(save), unread_words(guide)

    def release_guide(
        self,
        by: Actor,
        code: str,
        period: Period,
        revision: int | None,
        plans: Plans | None = None,
        then: Then | None = None,
    ) -> tuple[EditionRow, Release | None]:
        """Release the draft as the next version. It is checked again: an earlier version accepted more.

        Raises `Invalid`, `NotFound`, `Conflict`; returns None for the release when exactly this is released already.
        `then` is called in the same transaction, after the release.
        """
        return editions.release_draft(self.db, self.who, self.planned, by, code, Terms(period, revision, plans), then)

    def planned(self, session: Session, code: str, period: Period) -> Period:
        """Return `period`, if the draft may be released. Raises what `checked_draft` raises."""
        self.checked_draft(session, code)
        return period

    @property
    def reviewing(self) -> Reviewing:
        """What reviews of guides need."""
        return Reviewing(self.db, self.who, self.planned, Finder(Guide, self.lists), self.quoted.differing)

    def checked_draft(self, session: Session, code: str) -> Guide:
        """Return the draft. Raises `NotFound`, and `Invalid` unless it may be released."""
        guide = parse(Guide, orjson.loads(editions.find(session, code).draft))
        require_one_fact(guide)
        require_stored(session, guide)
        return guide

    def import_guides(self, by: Actor, request: ImportRequest) -> Outcome:
        """Execute the request's rows in one transaction on the backfill lane; report what is wrong with the others."""
        # One transaction: if the process dies before its commit, nothing of the import remains and it can be repeated.
        # After it, a repetition releases nothing twice: a body that is released already is left as it is.
        return run_import(Importer(self.reviewing, RULES, _checking), by, request)


def _checking(session: Session, _live: LiveCodes) -> Check:
    def check(body: Json) -> tuple[Json, list[Json]]:
        guide = Guide.model_validate(body)
        model.accept(guide)
        require_stored(session, guide)
        settled, findings = left_out(guide, body)
        return (body if settled is None else _complete(settled)), findings

    return check


def _complete(content: Json) -> Json:
    return draft_body(Guide, content)


def _tolerant(body: Json) -> Guide:
    """Parse a body of any version; fields that the current model lacks are ignored."""
    return Guide.model_validate(body, extra="ignore")


RULES = BodyRules(
    identity=lambda code: {"code": code},
    complete=_complete,
    bare=frozenset({"task_name", "dept_name"}),
    unknown=lambda body: unknown_of_guide(_tolerant(body)),
    doubtful=lambda body: sorted({name.partition(".")[0] for name in suspect_guide(_tolerant(body))}),
    corrected=lambda before, after: corrected_guide(_tolerant(before), _tolerant(after)),
    is_empty=lambda body: is_empty(_tolerant(body)),
)
"""A guide with only the `bare` fields repeats its item's name and is not one. No `ends`: it leaves with its item."""
