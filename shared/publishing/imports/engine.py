"""Runs an import: each row is judged alone, checked against the state after the import, and all are written at once.

A refused row leaves no trace, and refuses only the rows that are one change with it (an item split into situations).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

from sqlmodel import Session, func, select

from contracts.base import Json
from contracts.codes.identifiers import PARENT
from contracts.codes.item_checks import LiveCodes
from contracts.envelope.publication import Lane
from shared import metrics
from shared.audit.recording import record as record_audit
from shared.errors import Invalid, Violation
from shared.feeds.outbox import ReleaseRow
from shared.publishing import editions
from shared.publishing.editions import EditionRow, EditionState, Leaving, Plans, ReleasingSource
from shared.publishing.editions.model import CODES_A_STATEMENT
from shared.publishing.imports.answer import EntryOutcome, Fate, Outcome
from shared.publishing.imports.breaker import held_for, load_of, nowhere, question, stopped
from shared.publishing.imports.case import CodeHistory
from shared.publishing.imports.judgement import Judgement, judge
from shared.publishing.imports.planned_changes import PlannedChanges
from shared.publishing.imports.provenance import audit_entry, record
from shared.publishing.imports.regrouping import Regrouping, regroupings
from shared.publishing.imports.request import Confirmation, ImportEntry, ImportRequest
from shared.publishing.imports.rules import BodyRules
from shared.publishing.imports.statement import NOTHING_SAID, Statement, StatementStore
from shared.publishing.reviews.gathering import gather
from shared.publishing.reviews.roles import RELEASING, SUBMITTING, require_role
from shared.publishing.reviews.submitting import Reviewing
from shared.tokens.person import Actor

OTHER_FORM = "C-9"

Prepare = Callable[[Session], list[str]]
Check = Callable[[Json], tuple[Json, list[Json]]]
"""Returns the whole body as it may be released, with findings that do not block it. Raises `Invalid` for others."""


@dataclass(frozen=True, slots=True)
class Importer:
    """What a service provides: the releasing source with its reviews, the rules of its bodies, and its checks.

    `checking`  (session, codes live after the import) → the check of one body
    """

    reviewing: Reviewing
    rules: BodyRules
    checking: Callable[[Session, LiveCodes], Check]

    @property
    def who(self) -> ReleasingSource:
        """The releasing source."""
        return self.reviewing.who


@dataclass
class _Run:
    """One request in progress. `entries` holds the last entry of each code; earlier ones do not count."""

    importer: Importer
    by: Actor
    request: ImportRequest
    session: Session
    statements: StatementStore
    outcome: Outcome = field(default_factory=Outcome)
    entries: dict[str, ImportEntry] = field(default_factory=dict)
    outcomes: dict[str, EntryOutcome] = field(default_factory=dict)
    said: dict[str, Statement] = field(default_factory=dict)
    judgements: dict[str, Judgement] = field(default_factory=dict)
    bodies: dict[str, Json] = field(default_factory=dict)
    regrouped: list[Regrouping] = field(default_factory=list)

    def words(self, code: str, judgement: Judgement) -> Statement:
        """Return the source's statement of a code, including this entry."""
        file, before = self.request.file, self.said.get(code, NOTHING_SAID)
        return before.after(
            self.entries[code], judgement.stated, self.request.conversion, file.sha256 if file else None
        )


def run_import(
    importer: Importer, by: Actor, request: ImportRequest, prepare: Callable[[Session], list[str]] | None = None
) -> Outcome:
    """Import the entries on the backfill lane. `prepare` runs first, in the same transaction.

    A dry run takes the same path and stores nothing, but for the review that it is asked to fill. Raises `NotAllowed`,
    and `Conflict` when a review is demanded and a row has none: then nothing is imported.
    """
    require_role(by, SUBMITTING if request.dry_run else RELEASING, [one.code for one in request.all_entries()])
    try:
        with importer.reviewing.db.write() as session:
            run = _Run(importer, by, request, session, StatementStore(session, request.source))
            run.outcome.directory = prepare(session) if prepare else []
            _settle(run)
            _write(run)
    except _DryRun as dry:
        if request.review is not None:
            gather(importer.reviewing, by, request.review, dry.planned.steps())
        return run.outcome
    _count(importer.who.source, run.outcome)
    return run.outcome


class _DryRun(Exception):
    """Rolls back a dry run after everything is computed."""

    def __init__(self, planned: PlannedChanges) -> None:
        self.planned = planned


def _settle(run: _Run) -> None:
    """Decide the fate of every entry."""
    run.outcome.live = editions.live_count(run.session)
    _take_last_words(run)
    _judge_all(run)
    _check_all(run)
    run.regrouped = regroupings(run.judgements)
    _refuse_halves(run)
    _hold(run)
    _tell_unknown(run)
    run.outcome.count()


def _take_last_words(run: _Run) -> None:
    for index, entry in enumerate(run.request.all_entries()):
        told = EntryOutcome(index, entry.row, entry.code)
        run.outcome.entries.append(told)
        earlier = run.outcomes.get(entry.code)
        if earlier is not None:
            earlier.fate, earlier.note = Fate.OVERTAKEN, f"entry {index} has a later statement about this code"
        run.entries[entry.code], run.outcomes[entry.code] = entry, told


def _judge_all(run: _Run) -> None:
    now = datetime.now(UTC)
    standings = editions.standings(run.session, run.importer.who, run.entries)
    run.said = run.statements.newest(run.entries)
    for code, entry in run.entries.items():
        imported = partial(_is_imported, run, code)
        case = CodeHistory(entry, run.said.get(code), standings.get(code), run.request.conversion, now, imported)
        try:
            _accept(run, code, judge(case, run.importer.rules))
        except Invalid as error:
            run.outcomes[code].was_live = case.in_force is not None
            _reject(run, code, error.violations)


def _is_imported(run: _Run, code: str, version: int) -> bool:
    """Whether a version was released on the backfill lane."""
    query = select(ReleaseRow.lane).where(ReleaseRow.key == run.importer.who.key(code), ReleaseRow.version == version)
    return run.session.exec(query).first() == Lane.BACKFILL


def _accept(run: _Run, code: str, judgement: Judgement) -> None:
    told, merged = run.outcomes[code], judgement.merged
    run.judgements[code] = judgement
    told.fate, told.note, told.was_live = judgement.fate, judgement.note, judgement.was_live
    told.fields, told.kept = list(merged.fields), list(merged.kept)
    told.overrides, told.emptied = list(merged.overrides), list(merged.emptied)
    told.corrected = list(merged.corrected)
    stays = (judgement.was_live or judgement.waits) and judgement.fate != Fate.WITHDRAWN
    told.on = judgement.releases or stays
    told.shared = {name: merged.body[name] for name in run.importer.rules.shared if name in merged.body}
    said, file = run.said.get(code), run.request.file
    repeats = judgement.fate in (Fate.UNCHANGED, Fate.KEPT)
    words = run.words(code, judgement)
    told.news = not repeats or (judgement.remembers and not words.says_the_same(said))
    told.before = repeats and said is not None and file is not None and said.sha256 == file.sha256


def _reject(run: _Run, code: str, reasons: Sequence[Violation]) -> None:
    run.judgements[code] = Judgement(Fate.REJECTED, remembers=False)
    run.bodies.pop(code, None)
    run.outcome.reject(run.outcomes[code], reasons)


def _check_all(run: _Run) -> None:
    """Check whole bodies against what will be live after this import."""
    check = run.importer.checking(run.session, _live_afterwards(run))
    for code, judgement in list(run.judgements.items()):
        if not judgement.releases:
            continue
        try:
            body, findings = check(judgement.body or run.importer.rules.complete(judgement.merged.body))
        except Invalid as error:
            run.outcomes[code].waits = {violation.rule for violation in error.violations} == {OTHER_FORM}
            _reject(run, code, error.violations)
            continue
        run.bodies[code] = body
        told = run.outcomes[code]
        run.outcome.warnings += [{"index": told.index, "row": told.row, "code": code, **one} for one in findings]


def _live_afterwards(run: _Run) -> LiveCodes:
    parents = sorted({code[PARENT] for code in run.entries})
    live: set[str] = set()
    for start in range(0, len(parents), CODES_A_STATEMENT):
        some = func.substr(EditionRow.code, 1, 31).in_(parents[start : start + CODES_A_STATEMENT])
        live |= set(run.session.exec(select(EditionRow.code).where(EditionRow.state == EditionState.RELEASED, some)))
    live -= {code for code, judgement in run.judgements.items() if judgement.fate == Fate.WITHDRAWN}
    live |= {code for code, judgement in run.judgements.items() if judgement.releases}
    return LiveCodes.of(live)


def _tell_unknown(run: _Run) -> None:
    for code, judgement in run.judgements.items():
        body = run.bodies.get(code, judgement.merged.body)
        if body and judgement.fate != Fate.WITHDRAWN:
            run.outcomes[code].unknown = run.importer.rules.unknown(body)


def _refuse_halves(run: _Run) -> None:
    """Refuse a change of form as a whole when part of it is refused: the old form stays."""
    for regrouping in run.regrouped:
        bad = [code for code in regrouping.comes if run.judgements[code].fate == Fate.REJECTED]
        for code in (*regrouping.goes, *regrouping.comes) if bad else ():
            if code not in bad:
                reason = f"one change with {_place(run, bad[0])}, which was rejected; {regrouping.goes[0]} is unchanged"
                _reject(run, code, [Violation("code", "one_change", reason, code)])
    run.regrouped = [one for one in run.regrouped if run.judgements[one.goes[0]].fate != Fate.REJECTED]


def _place(run: _Run, code: str) -> str:
    row = run.outcomes[code].row
    return f"row {row}" if row is not None else code


def _hold(run: _Run) -> None:
    """Hold entries that are too many at once. A code that only changes its form does not count as withdrawn."""
    replaced = {code for one in run.regrouped for code in one.goes}
    loads = {code: load_of(judgement, code in replaced) for code, judgement in run.judgements.items()}
    stops = stopped(loads.values(), run.outcome.live, run.request.confirmed())
    held = {code: kind for code, load in loads.items() if (kind := held_for(load, stops))}
    held |= _nowhere(run, replaced)
    for one in run.regrouped:
        kind = next((held[code] for code in (*one.goes, *one.comes) if code in held), None)
        held |= dict.fromkeys((*one.goes, *one.comes), kind) if kind else {}
    for code, kind in held.items():
        told = run.outcomes[code]
        run.judgements[code] = Judgement(Fate.HELD, remembers=False)
        told.fate, told.held_for, told.on = Fate.HELD, kind, told.was_live
        told.note = nowhere(code, told.refused) if told.refused else question(kind, stops[kind], run.outcome.live)


def _nowhere(run: _Run, replaced: set[str]) -> dict[str, Confirmation]:
    """Return withdrawals of codes whose other form was refused before because it came in another import."""
    leaving = {code for code, one in run.judgements.items() if one.fate == Fate.WITHDRAWN} - replaced
    found = run.statements.refused_forms(leaving)
    for code, others in found.items():
        run.outcomes[code].refused = others
    asks = Confirmation.WITHDRAWALS not in run.request.confirmed()
    return dict.fromkeys(found, Confirmation.WITHDRAWALS) if asks else {}


def _write(run: _Run) -> None:
    """Release first, then withdraw: what replaces a code is there before the code goes."""
    session, who = run.session, run.importer.who
    planned = PlannedChanges.of(run.judgements, run.bodies, run.regrouped)
    run.outcome.released = len(planned.releases)
    run.outcome.withdrawn = sum(one.fate == Fate.WITHDRAWN for one in run.judgements.values())
    if run.request.dry_run:
        raise _DryRun(planned)
    _remember(run)
    releases = editions.release_many(session, who, run.by, planned.releases, Lane.BACKFILL)
    for state, codes in planned.leaving.items():
        how = Leaving(state, Plans.CANCEL)
        releases += editions.withdraw_many(session, who, run.by, codes, Lane.BACKFILL, how)
    entries = {who.key(code): entry for code, entry in run.entries.items()}
    record(session, run.by, run.request, releases, entries)
    record_audit(session, run.by, audit_entry(run.request, run.outcome))


def _remember(run: _Run) -> None:
    words = {code: run.words(code, judgement) for code, judgement in run.judgements.items() if judgement.remembers}
    run.statements.save(words)
    refused = [code for code, told in run.outcomes.items() if told.waits]
    taken_back = (Fate.WITHDRAWN, Fate.UNCHANGED)
    left = [code for code, one in run.judgements.items() if run.entries[code].leaves and one.fate in taken_back]
    run.statements.note_refusals(refused, left)


def _count(source: str, outcome: Outcome) -> None:
    for fate in Fate:
        count = sum(entry.fate == fate for entry in outcome.entries)
        metrics.imported_rows.labels(source, fate).inc(count)
