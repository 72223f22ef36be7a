"""What one entry asks for, given what its source said before and what the county has released. Pure.

version below the one that the source gave before     → older: an old batch never overrules a newer one
the same version with other content                   → rejected: the source must raise its version
says what the source said last                        → nothing; changes made by hand since are kept
says something new                                    → a release, or a withdrawal
"""

from dataclasses import dataclass, field, replace
from datetime import date, datetime

from contracts.base import Json
from contracts.envelope.publication import Op
from shared.errors import Invalid, Violation
from shared.publishing.editions import EditionState, Period
from shared.publishing.imports.answer import Fate
from shared.publishing.imports.case import CodeHistory
from shared.publishing.imports.children import completed
from shared.publishing.imports.merging import Merged, is_empty, merge, same
from shared.publishing.imports.request import ImportEntry, ItemState
from shared.publishing.imports.rules import BodyRules
from shared.publishing.imports.statement import NOTHING_SAID, Statement
from shared.text.local_midnight import begin, today

STATE_FIELD = "state"


@dataclass(frozen=True, slots=True)
class Judgement:
    """What an entry asks for. `stated` is what the source states, in the contract's canonical form.

    `replaces`   the planned version that a release replaces
    `waits`      it is not shown now, but will be without further action
    `body`       the merged body in the contract's canonical form, where it is known already
    `remembers`  whether this becomes the source's last statement
    """

    fate: Fate
    merged: Merged = field(default_factory=lambda: Merged({}))
    period: Period = field(default_factory=Period)
    replaces: int | None = None
    leaves: EditionState | None = None
    stated: Json = field(default_factory=dict)
    remembers: bool = True
    was_live: bool = False
    waits: bool = False
    body: Json | None = None
    note: str | None = None

    @property
    def releases(self) -> bool:
        """Whether it makes a version with a body."""
        return self.fate in (Fate.RELEASED, Fate.SCHEDULED)


def judge(case: CodeHistory, rules: BodyRules) -> Judgement:
    """Judge the entry. Raises `Invalid` for a body that breaks the contract, or a version used twice (C-10)."""
    entry, said = case.entry, case.said
    if said is not None and _is_older(entry, said):
        return Judgement(Fate.OLDER, remembers=False, note=f"version {said.version} is already known (C-10)")
    if entry.leaves:
        return _leaving(case)
    if rules.bare and set(entry.stated or {}) <= rules.bare | {"code"}:
        if case.in_force is None and case.own_plan is None and not case.hidden:
            return Judgement(Fate.UNCHANGED, remembers=False, note="states nothing beyond the item's name")
        if _is_empty_by_import(case, rules):
            return Judgement(Fate.WITHDRAWN, leaves=EditionState.WITHDRAWN, remembers=False, note="it states nothing")
    return _staying(case, rules)


def _is_older(entry: ImportEntry, said: Statement) -> bool:
    return entry.version is not None and said.version is not None and entry.version < said.version


def _leaving(case: CodeHistory) -> Judgement:
    live = case.in_force is not None
    planned = any(one.op == Op.RELEASE for one in case.waiting)
    if not live and not planned:
        return Judgement(Fate.UNCHANGED)
    if live and any(one.op == Op.WITHDRAW for one in case.waiting) and _repeats_state(case):
        return Judgement(Fate.UNCHANGED, was_live=live, waits=True, note="it ends when its successor takes effect")
    if _repeats_state(case):
        merged = Merged({}, kept=[STATE_FIELD])
        return Judgement(
            Fate.KEPT, merged, was_live=live, note="released again manually since then; it remains in force"
        )
    state = EditionState.SUSPENDED if case.entry.state == ItemState.SUSPENDED else EditionState.WITHDRAWN
    note = "its planned versions are cancelled" if planned else None
    return Judgement(Fate.WITHDRAWN, leaves=state, was_live=live, note=note)


def _repeats_state(case: CodeHistory) -> bool:
    return case.said is not None and case.said.state == case.entry.state


def _staying(case: CodeHistory, rules: BodyRules) -> Judgement:
    entry, said = case.entry, case.said or NOTHING_SAID
    own, current = case.own_plan, case.in_force
    released = {**rules.identity(entry.code), **(entry.identity or {}), **_base(case)}
    whole = _whole(entry, released, rules)
    words = entry.stated or {}
    plain = {name: whole.get(name) for name in (*words, "code")}
    stated = completed(plain, words, said.stated)
    _refuse_second_content(case, stated)
    known = _without_inventions(case, released, stated, rules)
    taken = completed(stated, words, _without_doubtful(case, known, rules))
    merged = merge(said.stated if case.was_released else {}, stated, known, released, taken)
    if case.said is None and current is not None and merged.fields and case.imported(current.version):
        merged = replace(merged, corrected=rules.corrected(released, merged.body))
    live = current is not None
    ends = _planned_end(case, merged, rules)
    if ends is not None and ends <= today(case.now):
        return _ended(case, rules, ends, stated)
    is_on = live or own is not None or case.hidden or not case.was_released
    if not is_on and not _comes_back(case, rules):
        kept = Merged({}, kept=[STATE_FIELD])
        return Judgement(Fate.KEPT, kept, remembers=False, note="withdrawn manually or expired; it remains so")
    start = _start(case)
    moved = own is not None and start != own.period.effective_at
    if case.was_released and is_on and not merged.fields and not moved:
        fate = Fate.KEPT if merged.kept else Fate.UNCHANGED
        return Judgement(fate, merged, stated=stated, was_live=live, waits=own is not None or case.hidden)
    return Judgement(
        Fate.SCHEDULED if start else Fate.RELEASED,
        merged,
        _period(case, start),
        own.version if own else None,
        stated=stated,
        was_live=live,
        body=whole if known is released and _is_all_of(merged, whole) else None,
    )


def _is_all_of(merged: Merged, whole: Json) -> bool:
    """Whether the merged body equals the whole one, apart from empty defaults that the contract adds."""
    if merged.kept or any(merged.body.get(name) != value for name, value in whole.items() if name in merged.body):
        return False
    return all(is_empty(value) for name, value in whole.items() if name not in merged.body)


def _is_empty_by_import(case: CodeHistory, rules: BodyRules) -> bool:
    """Imports of an earlier version released an empty body where their file said nothing. It may be withdrawn."""
    shown = case.in_force
    return shown is not None and rules.is_empty(shown.body or {}) and case.imported(shown.version)


def _without_inventions(case: CodeHistory, released: Json, stated: Json, rules: BodyRules) -> Json:
    """Drop what an import of an earlier version filled in, when its own file is imported again.

    The same file states everything in the body except what was filled in. A list of telephone numbers does not, and
    corrects nothing.
    """
    shown = case.in_force
    if case.said is not None or shown is None:
        return released
    invented = set(rules.filled_in(released))
    told = {name for name, value in released.items() if not is_empty(value)} - set(rules.identity(case.entry.code))
    if not invented or not told - invented <= stated.keys() or not case.imported(shown.version):
        return released
    return {name: value for name, value in released.items() if name not in invented}


def _without_doubtful(case: CodeHistory, known: Json, rules: BodyRules) -> Json:
    """Drop what an import of an earlier version filled in of a material when the source lists it again."""
    shown = case.in_force
    if case.said is not None or shown is None or not case.imported(shown.version):
        return known
    doubtful = rules.doubtful(known)
    return {name: value for name, value in known.items() if name not in doubtful}


def _planned_end(case: CodeHistory, merged: Merged, rules: BodyRules) -> date | None:
    """For a body that is shown, its own end counts, which may have been changed by hand; else the row's."""
    if rules.ends is None or (case.in_force is None and case.entry.ends is not None):
        return case.entry.ends
    return rules.ends(merged.body)


def _base(case: CodeHistory) -> Json:
    """Return the released body into which the row is merged: never a draft, and no plan but the source's own."""
    version = case.own_plan or case.in_force
    if version is not None:
        return version.body or {}
    if case.standing is not None and case.standing.released is not None:
        return case.standing.released
    # Stated before but not released, for example because it had ended.
    return {name: value for name, value in (case.said or NOTHING_SAID).stated.items() if value is not None}


def _whole(entry: ImportEntry, released: Json, rules: BodyRules) -> Json:
    """Return the released body with the row's fields, in canonical form: equal values are spelled alike."""
    stated = {**(entry.stated or {}), "code": (entry.stated or {}).get("code", entry.code)}
    if stated["code"] != entry.code:
        raise Invalid(Violation("code", "same_as_entry", f"is {stated['code']!r}, but the entry says {entry.code}"))
    whole = {**released, **stated}
    return rules.complete({name: value for name, value in whole.items() if value is not None})


def _refuse_second_content(case: CodeHistory, stated: Json) -> None:
    """C-10: one version of the source has one content. Another conversion of the file does not count."""
    said, entry = case.said, case.entry
    if said is None or said.left or entry.version is None or entry.version != said.version:
        return
    if said.conversion != case.conversion:
        return
    other = [name for name, value in stated.items() if name in said.stated and not same(said.stated[name], value)]
    if other:
        message = (
            f"version {entry.version} was imported before with other content ({', '.join(other)}"
            f"{f'; row {said.row}' if said.row else ''}): the source must raise its version"
        )
        raise Invalid(Violation("version", "C-10", message, str(entry.version)))


def _comes_back(case: CodeHistory, rules: BodyRules) -> bool:
    """Whether the source itself newly states that a code that is off is in use.

    The source had withdrawn it, or states it for the first time, or has moved or dropped the end that withdrew it.
    """
    said, entry = case.said or NOTHING_SAID, case.entry
    says_so = entry.state == ItemState.IN_USE and said.state != ItemState.IN_USE
    ended = said.ends is not None and said.ends <= today(case.now)
    moved = entry.drops_end or (entry.ends is not None and entry.ends != said.ends)
    # A list of telephone numbers states nothing about state: only a row that lists the item itself brings it back.
    lists_it = rules.listing <= (entry.stated or {}).keys()
    return (said.left and (lists_it or entry.state == ItemState.IN_USE)) or says_so or (ended and moved)


def _ended(case: CodeHistory, rules: BodyRules, ends: date, stated: Json) -> Judgement:
    """计划取消日期 has come: a shown body is withdrawn, any other is not released."""
    live = case.in_force is not None
    note = f"计划取消日期 {ends.isoformat()} has passed: not released"
    if rules.ends is None or not (live or case.own_plan):
        return Judgement(Fate.UNCHANGED, stated=stated, was_live=live, note=note)
    return Judgement(Fate.WITHDRAWN, leaves=EditionState.WITHDRAWN, stated=stated, was_live=live, note=note)


def _start(case: CodeHistory) -> datetime | None:
    """Return when the body is to be shown; None: at once.

    A code that is off returns no sooner than the source planned.
    """
    entry, said, own = case.entry, case.said or NOTHING_SAID, case.own_plan
    if entry.drops_start:
        return None
    if entry.starts is None and own is not None:
        return own.period.effective_at
    starts = entry.starts or (None if case.in_force else said.starts)
    return begin(starts) if starts is not None and starts > today(case.now) else None


def _period(case: CodeHistory, start: datetime | None) -> Period:
    """Keep an end that is set, unless it has passed or the body would start after it."""
    current = case.own_plan or case.in_force
    end = current.period.expires_at if current else None
    if end is not None and (end <= case.now or (start is not None and end <= start)):
        end = None
    return Period(start, end)
