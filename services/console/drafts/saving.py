"""Save what somebody has typed as a draft at its source: never over a change that nobody has seen.

The source takes a draft only with the tag of the one that was read (If-Match). When somebody else was first, both are
merged by field: what only the other side changed is taken over and shown, and where both changed the same field a
person decides.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from contracts.base import Json
from services.console.content.merging import Conflict, Side
from services.console.content.problems import problems_of, refusals
from services.console.content.reading import Problem, read
from services.console.content.shape import ContentKind
from services.console.drafts.catching_up import caught_up
from services.console.drafts.working_copies import Base, WorkingCopy
from services.console.upstream.editions import Editions
from shared.errors import Conflict as SomebodyWasFirst
from shared.errors import Invalid, PreconditionFailed, PreconditionMissing
from shared.tokens.person import Person

TRIES = 5
"""Each time somebody else is first, the newest draft is merged again."""

Result = Literal["unchanged", "saved", "problems", "conflicts"]


@dataclass(frozen=True, slots=True)
class Decisions:
    """What a person decided about conflicts, and the source's tag at which they were shown: a decision about a value
    that nobody has seen does not count.
    """

    seen: str = ""
    sides: Mapping[str, Side] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Saved:
    """What became of one document.

    `copy`: the working copy as it stands now. `taken_over`: paths of what others changed. `now_etag`: of the draft that
    the conflicts were found with.
    """

    result: Result
    copy: WorkingCopy
    problems: list[Problem] = field(default_factory=list)
    taken_over: list[str] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)
    now_etag: str = ""
    findings: list[Json] = field(default_factory=list)


def save(
    editions: Editions, person: Person, kind: ContentKind, copy: WorkingCopy, decisions: Decisions | None = None
) -> Saved:
    """Save one document of a working copy as a draft.

    Raises the errors of the source but `Invalid`, which become problems at the form's fields. Nothing is stored in the
    desk here.
    """
    done = read(kind, copy.texts_about(kind), copy.base(kind).shown)
    wrong = problems_of(kind, done)
    if wrong:
        return Saved("problems", copy, problems=wrong)
    base = copy.base(kind)
    if base.etag and done.body == base.draft and base.merged == base.begun_from and decisions is None:
        now = editions.find(kind, copy.code, person)
        if now is not None and now.released == now.begun_from:
            return Saved("unchanged", copy.with_body(kind, now.draft, Base.of(now)))
    return save_body(editions, person, kind, copy, done.body, decisions or Decisions())


def save_body(
    editions: Editions, person: Person, kind: ContentKind, copy: WorkingCopy, body: Json, decisions: Decisions
) -> Saved:
    """Save a valid body that was begun from the base of a working copy. Raises as `save`."""
    base, taken_over = copy.base(kind), list[str]()
    for _ in range(TRIES):
        now = editions.find(kind, copy.code, person)
        etag = "" if now is None else now.etag
        if now is not None:
            sides = decisions.sides if decisions.seen == now.etag else {}
            merged = caught_up(base, now, body, sides)
            body, base = merged.body, merged.base
            taken_over += [path for path in merged.taken_over if path not in taken_over]
            if merged.conflicts:
                kept = copy.with_body(kind, body, base)
                return Saved("conflicts", kept, [], taken_over, merged.conflicts, now.etag)
        try:
            findings = editions.save(kind, copy.code, body, etag, person)
        except (PreconditionFailed, PreconditionMissing):
            continue
        except Invalid as error:
            mended = copy.with_body(kind, body, base)
            again = read(kind, mended.texts_about(kind), body)
            return Saved("problems", mended, problems=refusals(kind, again, error.violations), taken_over=taken_over)
        stored = editions.find(kind, copy.code, person)
        kept = copy if stored is None else copy.with_body(kind, stored.draft, Base.of(stored))
        return Saved("saved", kept, taken_over=taken_over, findings=findings)
    raise SomebodyWasFirst(f"{copy.code}: others are saving all the time: try again in a moment")
