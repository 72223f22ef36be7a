"""Bring what somebody has typed up to what the source has now: its draft, and what was released meanwhile. Pure."""

from collections.abc import Mapping

from contracts.base import Json
from services.console.content.merging import Merged, Side, merge
from services.console.drafts.working_copies import Base
from services.console.upstream.editions import Edition


def caught_up(base: Base, now: Edition, mine: Json, decided: Mapping[str, Side] | None = None) -> Merged:
    """Merge `mine`, begun from `base`, with the source's draft, and that with what was released since.

    An import releases beside the draft; saving a draft tells the source that its editor has read what is released, so
    the release has to be merged as well.
    """
    first = merge(base.draft, now.draft, mine, decided)
    # Who saved another draft in the meantime has read what was released then; otherwise only the typing knows.
    same_draft = (base.draft, base.begun_from) == (now.draft, now.begun_from)
    known = base.merged if same_draft else now.begun_from
    if now.released is None or now.released == known:
        return first
    second = merge(known or {}, now.released, first.body, decided, "released")
    taken_over = list(dict.fromkeys([*first.taken_over, *second.taken_over]))
    return Merged(second.body, taken_over, [*first.conflicts, *second.conflicts])


def rebased(now: Edition) -> Base:
    """Return the base of what was merged with all that the source has now."""
    return Base(now.etag, now.draft, now.begun_from, now.released)
