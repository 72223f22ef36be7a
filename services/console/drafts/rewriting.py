"""Change a draft at its source by a rule, as a content block or a table does: on the newest draft, or not at all."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from contracts.base import Json
from services.console.content.shape import ContentKind
from services.console.drafts.catching_up import caught_up
from services.console.drafts.working_copies import Base
from services.console.upstream.editions import Editions
from shared.errors import Invalid, PreconditionFailed, PreconditionMissing, Violation
from shared.tokens.person import Person

TRIES = 5
Rewritten = Literal["saved", "unchanged", "missing", "conflict", "refused", "busy"]
WORDS: dict[Rewritten, str] = {
    "saved": "已存为草稿",
    "unchanged": "没有变化",
    "missing": "没有这份内容",
    "conflict": "发布的内容在草稿之后改过，请打开编辑页处理",
    "refused": "不符合规则，没有保存",
    "busy": "别人正在修改，请再试一次",
}


@dataclass(frozen=True, slots=True)
class Rewriting:
    """What became of one draft. `before`, `after`: the bodies. `violations`: what the source refused."""

    result: Rewritten
    before: Json | None = None
    after: Json | None = None
    violations: tuple[Violation, ...] = ()


def rewrite(
    editions: Editions, person: Person, kind: ContentKind, code: str, change: Callable[[Json], Json]
) -> Rewriting:
    """Save the draft as `change` returns it. It is called again with the newest draft when somebody else was first."""
    for _ in range(TRIES):
        now = editions.find(kind, code, person)
        if now is None:
            return Rewriting("missing")
        changed = change(now.draft)
        if changed == now.draft:
            return Rewriting("unchanged", now.draft, now.draft)
        # Saving a draft says that what was released since has been read: it is merged, never passed over.
        merged = caught_up(Base.of(now), now, changed)
        if merged.conflicts:
            return Rewriting("conflict", now.draft, changed)
        try:
            editions.save(kind, code, merged.body, now.etag, person)
        except (PreconditionFailed, PreconditionMissing):
            continue
        except Invalid as error:
            return Rewriting("refused", now.draft, changed, error.violations)
        return Rewriting("saved", now.draft, merged.body)
    return Rewriting("busy")
