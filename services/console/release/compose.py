"""Composing a set: what can be found to be a member, and what each member would change for readers."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from contracts.base import Json
from services.console.blocks.blocks import Blocks
from services.console.content.differences import Difference, differences
from services.console.content.shape import ContentKind
from services.console.drafts.working_copies import WorkingCopies
from services.console.release.previews import Previews
from services.console.release.sets import SOURCE_OF
from services.console.upstream.editions import Editions
from shared.publishing.sets.requests import MOST_IN_A_SOURCE
from shared.tokens.person import Person, StaffRole

SHOWN = 30
"""Rows of each kind that a search shows."""

ALL, CHANGED, MINE, BLOCK = "", "changed", "mine", "block:"
OPS = {"release": "发布", "withdraw": "撤下"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """A member as it is asked for. `revision`: of the draft that the person has seen; None: none yet."""

    kind: ContentKind
    code: str
    op: str = "release"
    revision: int | None = None

    @property
    def key(self) -> str:
        return f"{self.kind.value}:{self.code}"

    @classmethod
    def of(cls, key: str, op: str = "release", revision: str = "") -> "Wanted | None":
        """Return the member of a form's value such as `item:…`; None for what is none."""
        kind, _, code = key.partition(":")
        if kind not in set(ContentKind) or not (code.isascii() and code.isalnum()):
            return None
        seen = int(revision) if revision.isascii() and revision.isdigit() and len(revision) < 10 else None
        return cls(ContentKind(kind), code, op if op in OPS else "release", seen)


@dataclass(frozen=True, slots=True)
class Chosen:
    """A member with what it changes. `problem`: why it cannot be one, or what is to be looked at."""

    wanted: Wanted
    name: str
    revision: int
    found: list[Difference]
    problem: str = ""

    @property
    def changed_since(self) -> bool:
        """Whether somebody has saved the draft after the person saw it."""
        return self.wanted.revision not in (None, self.revision)


@dataclass(frozen=True)
class Composer:
    """Reads editions, content blocks and working copies. It writes nothing."""

    editions: Editions
    previews: Previews
    blocks: Blocks
    copies: WorkingCopies

    def places(self, person: Person) -> list[tuple[str, str]]:
        """Return where members can be looked for: value and title."""
        found = [(ALL, "全部事项和指南"), (CHANGED, "有未发布修改的")]
        if StaffRole.EDITOR in person.roles:
            found.append((MINE, "我写过的"))
        return [*found, *((f"{BLOCK}{one.id}", f"用到内容块“{one.name}”的") for one in self.blocks.all())]

    def search(self, person: Person, place: str, words: str) -> list[Json]:
        """Return `{key, kind, name, code, department, state, draft_changed}` of what is found, items first."""
        if place == MINE or place.startswith(BLOCK):
            keys = self._mine(person) if place == MINE else self._of_block(place.removeprefix(BLOCK))
            rows = [self._row(person, kind, code) for kind, code in keys[:MOST_IN_A_SOURCE]]
            return [one for one in rows if one is not None and (words in one["name"] or words == one["code"])]
        wanted: Json = {"q": words, "limit": SHOWN, "changed": place == CHANGED}
        return [
            {**row, "key": f"{kind.value}:{row['code']}", "kind": kind.words}
            for kind in ContentKind
            for row in self.editions.overview(kind, person, **wanted)["rows"]
        ]

    def chosen(self, person: Person, wanted: Iterable[Wanted]) -> list[Chosen]:
        """Return each member with its differences to what readers see now, in the order asked."""
        return [self._chosen(person, one) for one in dict.fromkeys(wanted)]

    def _chosen(self, person: Person, one: Wanted) -> Chosen:
        edition = self.previews.draft(person, one.kind, one.code)
        if edition is None:
            return Chosen(one, one.code, 0, [], "没有这份内容")
        shown = (edition["in_force"] or {}).get("body")
        after = edition["draft"] if one.op == "release" else None
        found = differences(one.kind, shown, after)
        problem = "现在没有公布，不必撤下" if one.op == "withdraw" and shown is None else ""
        if one.op == "release" and not found:
            problem = "与现在公布的相同"
        name = str((edition["draft"] or {}).get("task_name") or one.code)
        return Chosen(one, name, edition["revision"], found, problem)

    def _row(self, person: Person, kind: ContentKind, code: str) -> Json | None:
        edition = self.previews.draft(person, kind, code)
        if edition is None:
            return None
        told = {name: edition[name] for name in ("code", "state", "draft_changed")}
        draft = edition["draft"]
        name, department = str(draft.get("task_name", "")), str(draft.get("dept_name", ""))
        return {**told, "key": f"{kind.value}:{code}", "kind": kind.words, "name": name, "department": department}

    def _mine(self, person: Person) -> list[tuple[ContentKind, str]]:
        codes = [one["code"] for one in self.copies.of(person, saved=True)]
        return [(kind, code) for code in codes for kind in ContentKind]

    def _of_block(self, number: str) -> list[tuple[ContentKind, str]]:
        wanted = [one for one in self.blocks.all() if str(one.id) == number]
        return [place for one in wanted for place in one.bound]


def members_of(chosen: Sequence[Chosen]) -> dict[str, list[Json]]:
    """Return the members by source, as `Sets.begin` takes them, each at the revision that was seen."""
    found: dict[str, list[Json]] = {}
    for one in chosen:
        member: dict[str, Any] = {"code": one.wanted.code, "op": one.wanted.op, "revision": one.revision}
        found.setdefault(SOURCE_OF[one.wanted.kind.value], []).append(member)
    return found
