"""The breaker: an import that would change too much at once is held until a person confirms it. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from shared.publishing.imports.answer import Fate
from shared.publishing.imports.judgement import Judgement
from shared.publishing.imports.request import Confirmation

FEW = 20
"""Up to this many never need confirmation: a county with ten items could not change any otherwise."""

END = "plan_cancel_date"

SHARE = {Confirmation.WITHDRAWALS: 0.05, Confirmation.EMPTYING: 0.05, Confirmation.CHANGES: 0.25}
"""Share of the live items that may be withdrawn, lose a value or change without confirmation. A quarter of all items
changing at once is more often a misplaced column than news. Withdrawals and emptied fields are worse: a twentieth.
"""


@dataclass(frozen=True, slots=True)
class Load:
    """What one entry would do to a live item."""

    withdraws: bool = False
    empties: bool = False
    changes: bool = False

    def kinds(self) -> Iterator[Confirmation]:
        """Yield the kinds under which it counts."""
        if self.withdraws:
            yield Confirmation.WITHDRAWALS
        if self.empties:
            yield Confirmation.EMPTYING
        if self.changes:
            yield Confirmation.CHANGES


def gives_an_end(fields: Iterable[str], emptied: Iterable[str]) -> bool:
    """Whether a live item gets a new end date: a later withdrawal counts as one."""
    return END in set(fields) - set(emptied)


def load_of(judgement: Judgement, replaced: bool) -> Load:
    """Return what a judgement does to a live item. `replaced`: another form of the item takes its place."""
    if not judgement.was_live:
        return Load()
    merged = judgement.merged
    leaves_later = judgement.releases and gives_an_end(merged.fields, merged.emptied)
    return Load(
        withdraws=(judgement.fate == Fate.WITHDRAWN and not replaced) or leaves_later,
        empties=judgement.releases and bool(merged.emptied),
        changes=judgement.releases and bool({*merged.fields} - {*merged.emptied, *merged.corrected}),
    )


def allowed(kind: Confirmation, live: int) -> int:
    """Return how many may do it at once without confirmation."""
    return max(FEW, int(live * SHARE[kind]))


def stopped(loads: Iterable[Load], live: int, confirmed: Iterable[Confirmation]) -> dict[Confirmation, int]:
    """Return the kinds of which there are too many and that nobody confirmed, with their number."""
    counts = dict.fromkeys(Confirmation, 0)
    for load in loads:
        for kind in load.kinds():
            counts[kind] += 1
    known = frozenset(confirmed)
    return {kind: count for kind, count in counts.items() if kind not in known and count > allowed(kind, live)}


def held_for(load: Load, stops: Iterable[Confirmation]) -> Confirmation | None:
    """Return what holds an entry of this load; None when it may proceed."""
    known = frozenset(stops)
    return next((kind for kind in load.kinds() if kind in known), None)


def question(kind: Confirmation, count: int, live: int) -> str:
    """Return the question for the person who confirms."""
    what = {
        Confirmation.WITHDRAWALS: "withdraw",
        Confirmation.EMPTYING: "empty fields of",
        Confirmation.CHANGES: "change",
    }[kind]
    return f"this would {what} {count} of {live} live items; more than {allowed(kind, live)} at once need confirmation"


def nowhere(code: str, refused: Iterable[str]) -> str:
    """Return the question about a withdrawal after which an item would be on no channel."""
    return (
        f"{', '.join(refused)} of the same item were refused because it was live: import them and the withdrawal of "
        f"{code} in one file, so that one replaces the other; to leave it on no channel in the meantime, confirm"
    )
