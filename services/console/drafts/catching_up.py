"""Bring what somebody has typed up to what the source has now: its draft, and what was released meanwhile. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from contracts.base import Json
from services.console.content.merging import Conflict, Side, merge
from services.console.drafts.working_copies import Base
from services.console.upstream.editions import Edition


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """The body after as many merges as could be made, and the base on which it stands now.

    `conflicts`: of the next merge, with exactly this base and body; empty when everything is merged.
    """

    body: Json
    base: Base
    taken_over: list[str]
    conflicts: list[Conflict]


def caught_up(base: Base, now: Edition, mine: Json, decided: Mapping[str, Side] | None = None) -> CaughtUp:
    """Merge `mine`, begun from `base`, with the source's draft; then that with what was released since.

    An import releases beside the draft; saving a draft tells the source that its editor has read what is released, so
    the release has to be merged as well. The second merge waits until the conflicts of the first are decided: what a
    decision puts back would move the parts that another one is about.
    """
    first = merge(base.draft, now.draft, mine, decided)
    if first.conflicts:
        return CaughtUp(mine, base, first.taken_over, first.conflicts)
    # Who saved another draft in the meantime has read what was released then; otherwise only the typing knows.
    same_draft = (base.draft, base.begun_from) == (now.draft, now.begun_from)
    known = base.merged if same_draft else now.begun_from
    reached = Base(now.etag, now.draft, now.begun_from, known)
    if now.released is None or now.released == known:
        return CaughtUp(first.body, reached, first.taken_over, [])
    second = merge(known or {}, now.released, first.body, decided, "released")
    taken_over = list(dict.fromkeys([*first.taken_over, *second.taken_over]))
    if second.conflicts:
        return CaughtUp(first.body, reached, taken_over, second.conflicts)
    return CaughtUp(second.body, replace(reached, merged=now.released), taken_over, [])
