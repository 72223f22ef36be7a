"""What the page of one code shows: the form of item and guide, findings, conflicts, in words for the template."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from contracts.base import Json
from services.console.content.files import FileLine, files_from
from services.console.content.identity import NAMES
from services.console.content.merging import ORDER, Conflict
from services.console.content.reading import Problem
from services.console.content.sections import Section, help_for, sections_of
from services.console.content.shape import ContentKind, FieldKind, FieldShape, field_at, label_of, shape_of
from services.console.content.typed import FROM, NONE_STATED, rows
from services.console.content.values import value_words
from services.console.drafts.saving import Saved
from services.console.drafts.working_copies import WorkingCopy

FEW_CODES = 8
"""Longer tables are searched by typing; shorter ones are chosen from a list."""
FEWEST_LINES, MOST_LINES, LINE = 2, 10, 60


@dataclass(frozen=True, slots=True)
class Input:
    """One field of the form: `path`: its name in the form. `codes`: code and label of each choice."""

    path: str
    shape: FieldShape
    text: str
    help: str
    codes: list[tuple[str, str]]

    @property
    def chosen(self) -> list[str]:
        """The lines of a field with several values."""
        return [line for line in self.text.split("\n") if line.strip()]

    @property
    def files(self) -> list[FileLine]:
        """The files of a material; none while the text is none of ours."""
        return [FileLine.of(one) for one in files_from(self.text) or ()]

    @property
    def lines(self) -> int:
        """Lines that the field shows at once: as many as its text needs, within bounds."""
        needed = sum(1 + len(line) // LINE for line in self.text.split("\n"))
        return min(max(needed, FEWEST_LINES), MOST_LINES)

    @property
    def is_searched(self) -> bool:
        return _is_searched(self.shape)

    @property
    def code_text(self) -> str:
        """The text of a code as a searched field shows it: code and label."""
        return f"{self.text} {self.shape.codes[self.text]}" if self.text in self.shape.codes else self.text

    @property
    def foreign(self) -> list[str]:
        """Chosen lines that no code of the table is: they are shown, and never lost."""
        return [line for line in self.chosen if line not in self.shape.codes]


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a list, such as a material."""

    number: int
    name: str
    origin: str
    inputs: list[Input]


@dataclass(frozen=True, slots=True)
class Parts:
    """A list of parts. `path`: of the list in the form; `none_stated`: it is stated that there are none."""

    path: str
    shape: FieldShape
    help: str
    parts: list[Part]
    none_stated: bool


@dataclass(frozen=True, slots=True)
class ConflictView:
    """A conflict in words. `name`: of the form's field for the decision."""

    name: str
    label: str
    base: str
    theirs: str
    mine: str


@dataclass(frozen=True, slots=True)
class FormView:
    """Everything that the page of one code shows beside the frame."""

    copy: WorkingCopy
    documents: list[Json]
    tables: Mapping[str, Mapping[str, str]]
    errors: Mapping[str, str]
    findings: list[Json]
    conflicts: list[ConflictView] = field(default_factory=list)
    seen: Mapping[str, str] = field(default_factory=dict)
    taken_over: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)


def view_of(
    copy: WorkingCopy,
    problems: Mapping[str, Problem],
    findings: list[Json],
    saved: Mapping[ContentKind, Saved] | None = None,
    notices: Sequence[str] = (),
) -> FormView:
    """Return what the page shows of a working copy, and of what became of saving it."""
    done = saved or {}
    return FormView(
        copy=copy,
        documents=[_document(copy, kind) for kind in ContentKind],
        tables=_tables(),
        errors={path: f"{_label(path)}：{one.message}" if path else one.message for path, one in problems.items()},
        findings=findings,
        conflicts=[_conflict(kind, one) for kind, each in done.items() for one in each.conflicts],
        seen={kind.value: one.now_etag for kind, one in done.items() if one.conflicts},
        taken_over=[_taken_over(kind, path) for kind, one in done.items() for path in one.taken_over],
        notices=list(notices),
    )


def _tables() -> dict[str, Mapping[str, str]]:
    """Return the code tables that are searched by typing, by name."""
    fields = [one for kind in ContentKind for one in shape_of(kind).values()]
    return {one.table or "": one.codes for one in fields if _is_searched(one)}


def _is_searched(shape: FieldShape) -> bool:
    return shape.kind is FieldKind.CODE and len(shape.codes) > FEW_CODES


def _document(copy: WorkingCopy, kind: ContentKind) -> Json:
    texts = copy.texts_about(kind)
    sections = [
        {"id": one.id, "title": one.title, "fields": _fields(kind, one, texts)} for one in _sections(copy, kind)
    ]
    return {"kind": kind.value, "title": kind.words, "is_new": not copy.base(kind).etag, "sections": sections}


def _sections(copy: WorkingCopy, kind: ContentKind) -> list[Section]:
    """A guide's name and unit are asked for only where they differ from the item's, or there is no item."""
    if kind is ContentKind.ITEM:
        return sections_of(kind)
    item, guide = copy.base(ContentKind.ITEM).draft, copy.base(kind).draft
    repeated = ("task_name", "dept_name")
    differing = {name for name in repeated if guide.get(name) is not None and guide.get(name) != item.get(name)}
    return sections_of(kind, shown=frozenset(differing))


def _fields(kind: ContentKind, section: Section, texts: Mapping[str, str]) -> list[Input | Parts]:
    return [_parts(kind, one, texts) if one.parts else _input(kind, one, texts) for one in section.fields]


def _input(kind: ContentKind, shape: FieldShape, texts: Mapping[str, str], inner: str = "", prefix: str = "") -> Input:
    path = f"{prefix}{shape.name}"
    words = help_for(kind, inner, shape.name) if inner else help_for(kind, shape.name)
    return Input(f"{kind.value}.{path}", shape, texts.get(path, ""), words, list(shape.codes.items()))


def _parts(kind: ContentKind, shape: FieldShape, texts: Mapping[str, str]) -> Parts:
    parts = []
    for number in rows(texts, shape.name):
        prefix = f"{shape.name}.{number}."
        inputs = [_input(kind, one, texts, shape.name, prefix) for one in shape.parts]
        name = texts.get(f"{prefix}{NAMES[shape.name]}", "") if shape.name in NAMES else ""
        parts.append(Part(number, name, texts.get(f"{prefix}{FROM}", ""), inputs))
    stated = bool(texts.get(f"{shape.name}.{NONE_STATED}"))
    return Parts(f"{kind.value}.{shape.name}", shape, help_for(kind, shape.name), parts, stated)


def _conflict(kind: ContentKind, conflict: Conflict) -> ConflictView:
    name, _, rest = conflict.path.partition(".")
    inner = rest.partition(".")[2]
    shape = field_at(kind, conflict.path) or FieldShape(name, name, FieldKind.TEXT, required=False)
    label = f"{label_of(kind, name)}“{conflict.name}”" if conflict.name else label_of(kind, name)
    if rest == ORDER:
        words = ["原来的顺序", "对方的顺序", "我的顺序"]
        label = f"{label} · 顺序"
    elif conflict.name and not inner:
        words = [_part_words(shape, one) for one in (conflict.base, conflict.theirs, conflict.mine)]
    else:
        label = f"{label} · {shape.label}" if inner else label
        words = [value_words(shape, one) for one in (conflict.base, conflict.theirs, conflict.mine)]
    return ConflictView(f"decide.{kind.value}.{conflict.key}", f"{kind.words} · {label}", *words)


def _part_words(shape: FieldShape, part: Any) -> str:
    if not isinstance(part, dict):
        return "删除"
    stated = [one for one in shape.parts if part.get(one.name) is not None]
    return "；".join(f"{one.label}：{value_words(one, part[one.name])}" for one in stated)


def _taken_over(kind: ContentKind, path: str) -> str:
    return f"{kind.words} · {label_of(kind, path)}"


def _label(path: str) -> str:
    kind, _, rest = path.partition(".")
    return label_of(ContentKind(kind), rest) if rest else ""
