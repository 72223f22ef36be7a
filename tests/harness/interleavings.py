"""Seeded interleavings of everybody who writes one guide: two people's forms, the API, an import, a content block.

Every value that anybody writes is unique, so that what became of it can be told: it stands in the draft or in what is
released; or it was overwritten by somebody who had read it; or it is shown as a conflict to the one who typed it.
"""

import random
import re
from dataclasses import dataclass, field

import orjson

from contracts.base import Json
from services.console.blocks.block_values import with_value
from services.console.content.merging import Conflict, Side
from services.console.content.shape import ContentKind
from services.console.content.typed import changed_rows, rows
from services.console.drafts.rewriting import rewrite
from services.console.drafts.saving import Decisions, Saved, save
from services.console.drafts.working_copies import Base, WorkingCopy
from services.console.upstream.editions import Edition
from services.demo import content
from shared.errors import Conflict as Refusal
from shared.errors import PreconditionFailed
from shared.publishing.editions import Period
from shared.publishing.imports.request import ImportEntry, ImportRequest
from shared.text.validation import body_of
from shared.tokens.person import SYSTEM, Person
from tests.harness.desk_sources import EDITOR, OTHER, DirectServices

GUIDE = ContentKind.GUIDE
FREE_TEXTS = ("link_way", "supervise_way", "accept_condition", "remedy", "special_procedure")
PARTS = {"materials": ("material_name", "fill_explain"), "windows": ("address", "traffic"), "steps": ("name", "result")}
MOST_ACTS = 14
SIDES: tuple[Side, ...] = ("theirs", "mine")
WRITTEN = re.compile(r"值\d+x\d+y")


def values(body: Json | None) -> set[str]:
    """Return every value of a body that a test wrote."""
    return set(WRITTEN.findall(orjson.dumps(body or {}).decode()))


@dataclass
class Writer:
    """Somebody who writes. `read`: every value that was shown to them."""

    name: str
    read: set[str] = field(default_factory=set)


@dataclass
class Form(Writer):
    """A person's page. `typed`: what they have typed since they opened it, and not decided against."""

    person: Person = EDITOR
    open_copy: WorkingCopy | None = None
    typed: set[str] = field(default_factory=set)
    conflicts: Saved | None = None

    @property
    def copy(self) -> WorkingCopy:
        assert self.open_copy is not None
        return self.open_copy

    @property
    def waiting(self) -> Saved:
        assert self.conflicts is not None
        return self.conflicts


class Interleaving:
    """One guide, and everybody who writes it, in an order that the seed says."""

    def __init__(self, sources: DirectServices, code: str, seed: int) -> None:
        self.sources, self.code, self.random = sources, code, random.Random(seed)
        self.editions, self.number, self.seed = sources.editions, 0, seed
        self.forms = [Form("form 1", person=EDITOR), Form("form 2", person=OTHER)]
        self.api, self.block, self.importer = Writer("api"), Writer("block"), Writer("import")
        self.lost: list[str] = []
        self.during, self.reported = set[str](), set[str]()
        self.conflicts = 0
        sources.before_put = lambda: None
        self._begin()

    def run(self) -> list[str]:
        """Act in the seed's order; return what was lost."""
        acts = [self._form_acts, self._form_acts, self._form_acts, self._api_writes, self._import, self._block_changes]
        acts.append(self._release)
        for _ in range(self.random.randint(4, MOST_ACTS)):
            # Somebody else may act in the middle of a save, between reading and writing.
            self.sources.before_put = self._interrupted if self.random.random() < 0.3 else lambda: None
            self.random.choice(acts)()
        self.sources.before_put = lambda: None
        for form in self.forms:
            self._settle(form)
        return self.lost

    def _begin(self) -> None:
        demo = next(one for one in content.guides() if one.materials and len(one.materials) > 1 and one.windows)
        body = {**body_of(demo), "code": self.code}
        for name in FREE_TEXTS:
            body[name] = self._value()
        names = ("material_name", "fill_explain")
        body["materials"] = [{**one, **{name: self._value() for name in names}} for one in body["materials"]]
        body["windows"] = [{**one, "traffic": self._value()} for one in body["windows"]]
        for one in body["materials"]:
            one.pop("copies", None)
        self.sources.guides.save_guide(SYSTEM, self.code, body, None)
        if self.random.random() < 0.6:
            self.sources.guides.release_guide(SYSTEM, self.code, Period(), None)

    def _value(self) -> str:
        self.number += 1
        return f"值{self.seed}x{self.number}y"

    def _edition(self) -> Edition:
        found = self.editions.find(GUIDE, self.code, EDITOR)
        assert found is not None
        return found

    def _standing(self) -> set[str]:
        """Every value in the draft or in what is released."""
        return set(WRITTEN.findall(self.sources.text_of_guide(self.code)))

    def _written(self, writer: Writer, before: set[str]) -> None:
        """Whatever has gone must have been read by the one who made it go."""
        for value in before - self._standing() - writer.read - self.reported:
            self.lost.append(f"{writer.name} overwrote {value}, which it has not read")

    # A person's form

    def _form_acts(self) -> None:
        form = self.random.choice(self.forms)
        if form.open_copy is None:
            self._open(form)
        elif form.conflicts is not None:
            self._decide(form)
        elif self.random.random() < 0.6:
            self._type(form)
        else:
            self._save(form, None)

    def _open(self, form: Form) -> None:
        edition = self._edition()
        base = Base.of(edition)
        form.open_copy = WorkingCopy(self.code, {}, {}).with_body(GUIDE, edition.draft, base)
        form.typed = set()
        form.read |= values(edition.draft)

    def _type(self, form: Form) -> None:
        texts = form.copy.texts_about(GUIDE)
        act = self.random.choice(["text", "text", "text", "part", "part", "add", "remove", "move"])
        name = self.random.choice(list(PARTS))
        numbers = rows(texts, name)
        if act == "text":
            path = self.random.choice(FREE_TEXTS)
        elif act == "add" or not numbers:
            texts = changed_rows(texts, name, "add")
            path = f"{name}.{rows(texts, name)[-1]}.{PARTS[name][0]}"
        elif act == "remove":
            number = self.random.choice(numbers)
            gone = {text for path, text in texts.items() if path.startswith(f"{name}.{number}.")}
            form.typed -= gone
            form.open_copy = form.copy.with_texts(GUIDE, changed_rows(texts, name, "remove", number))
            return
        elif act == "move":
            moved = changed_rows(texts, name, self.random.choice(["up", "down"]), self.random.choice(numbers))
            form.open_copy = form.copy.with_texts(GUIDE, moved)
            return
        else:
            path = f"{name}.{self.random.choice(numbers)}.{self.random.choice(PARTS[name])}"
        form.typed.discard(texts.get(path, ""))
        texts[path] = self._value()
        form.typed.add(texts[path])
        form.open_copy = form.copy.with_texts(GUIDE, texts)

    def _save(self, form: Form, decisions: Decisions | None) -> None:
        before = self._standing()
        try:
            self.during = set()
            saved = save(self.editions, form.person, GUIDE, form.copy, decisions)
        except Refusal:
            return
        assert not saved.problems, saved.problems
        form.open_copy = saved.copy
        if saved.result == "conflicts":
            self.conflicts += 1
            form.conflicts = saved
            form.read |= {one for conflict in saved.conflicts for one in values({"": [conflict.theirs, conflict.mine]})}
            return
        form.conflicts = None
        # What was taken over is shown with the page.
        self._written(form, before - self.during)
        form.read |= values(form.copy.base(GUIDE).draft)
        for value in form.typed - self._standing():
            self.lost.append(f"{form.name} typed {value}, which was saved nowhere and shown to nobody")
        form.typed = set()

    def _decide(self, form: Form) -> None:
        sides: dict[str, Side] = {}
        for conflict in form.waiting.conflicts:
            side: Side = self.random.choice(SIDES)
            sides[conflict.key] = side
            if side == "theirs":
                form.typed -= _of(conflict)
        self._save(form, Decisions(form.waiting.now_etag, sides))

    def _settle(self, form: Form) -> None:
        for _ in range(6):
            if form.open_copy is None:
                return
            if form.conflicts is not None:
                self._decide(form)
            else:
                self._save(form, None)
                if form.conflicts is None:
                    return

    # Everybody else

    def _interrupted(self) -> None:
        """Somebody writes by the API between a form's reading and its writing."""
        self.sources.before_put = lambda: None
        before = self._standing()
        self.random.choice([self._api_writes, self._import])()
        self.during |= before - self._standing()

    def _api_writes(self) -> None:
        edition = self._edition()
        if edition.released != edition.begun_from:
            return  # a careful program reads what is released before it says that it did
        self.api.read |= values(edition.draft) | values(edition.released)
        body = {**edition.draft, self.random.choice(FREE_TEXTS): self._value()}
        before = self._standing()
        try:
            self.sources.guides.save_guide(SYSTEM, self.code, body, int(edition.etag.partition("-")[0]))
        except PreconditionFailed:
            return
        self._written(self.api, before)

    def _import(self) -> None:
        name = self.random.choice(FREE_TEXTS)
        named = {"task_name": "甲", "dept_name": "乙"}
        entry = ImportEntry(code=self.code, stated={name: self._value()}, identity=named)
        before = self._standing()
        edition = self._edition()
        told = self.sources.guides.import_guides(SYSTEM, ImportRequest(source="api", entries=[entry]))
        # Its report names each field whose released value it changes.
        reported = {name for one in told.entries for name in one.fields}
        self.importer.read = values({name: (edition.released or {}).get(name) for name in reported})
        self._written(self.importer, before)
        # Somebody else's draft may still hold what was released before; who merges the import into it loses nothing.
        self.reported |= self.importer.read

    def _block_changes(self) -> None:
        standing = sorted(values(self._edition().draft))
        old, new = self.random.choice(standing), self._value()
        self.block.read = {old}
        before, self.during = self._standing(), set()
        rewrite(self.editions, OTHER, GUIDE, self.code, lambda body: with_value(GUIDE, body, old, new))
        self._written(self.block, before - self.during)

    def _release(self) -> None:
        edition = self._edition()
        try:
            self.sources.guides.release_guide(SYSTEM, self.code, Period(), int(edition.etag.partition("-")[0]))
        except Refusal:
            return


def _of(conflict: Conflict) -> set[str]:
    return values({"": [conflict.mine]})
