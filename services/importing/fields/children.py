"""Convert lists in a row (materials, fees, steps, windows, questions, legal bases) to values for the contract's models.

A list may contain objects with several provinces' field names, or plain words; text is one entry, or several joined by
`^`.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from services.importing.fields.code_values import one_code
from services.importing.fields.conversions import contact, days, fen, file_url, line, parts, text, whole, yes_no
from services.importing.fields.list_splitting import divided, law_entries, material_entries, step_entries
from services.importing.fields.notes import Notes, Rule
from services.importing.row import WarningName

Values = dict[str, Any]
Converter = Callable[[Any, str, Notes], Any]

NOT_CARRIED = frozenset(
    {"row_guid", "task_guid", "task_code", "order_num", "form_guid", "example_guid", "page_format", "remark"}
    | {"cd_operation", "cd_time", "cd_batch", "data_source", "dept", "person", "is_special", "id"}
)
"""Columns of children for which the contract has no field; they raise no warning."""

FLOW = "办理流程"
LONGEST_CONTENT, LONGEST_NAME = 2000, 90
"""Characters of `Step.content`, and of its name with room for (1/2)."""

_LAW = re.compile(
    r"《([^》]{1,200})》\s*"
    r"(?:[（(]([^（()）]{1,80}号[^（()）]{0,20})[)）])?\s*"
    r"(第[^，。；：\s]{1,20}?条)?"
)


@dataclass(frozen=True)
class Shape:
    """How one kind of child is read. `word`: the field for a plain word. `names`: foreign name → ours."""

    word: str
    fields: Mapping[str, Converter]
    names: Mapping[str, str]


def unpacked(value: Any) -> Any:
    """Parse a child table given as JSON text in its cell; return anything else unchanged."""
    if not isinstance(value, str) or not value.strip().startswith(("[", "{")):
        return value
    try:
        found = orjson.loads(value)
    except orjson.JSONDecodeError:
        return value
    return found or []


def children(value: Any, field: str, shape: Shape, notes: Notes) -> list[Values]:
    """Return one dict per child; fields that it does not state are left out, and so unknown. Never raises."""
    given = value if isinstance(value, list) else _alone(value, field, shape, notes)
    made = [_child(entry, f"{field}[{index}]", shape, notes) for index, entry in enumerate(given)]
    return [child for child in made if child]


def legal_bases(value: Any, field: str, notes: Notes) -> list[Values]:
    """Return 设定依据 from objects, or from prose by searching `《law》(文号)第…条`; the prose is kept as content."""
    if isinstance(value, list | dict):
        return children(value, field, LEGAL_BASIS, notes)
    content = text(value, field, notes)
    return [] if content is None else [_legal_basis(passage, field, notes) for passage in law_entries(content)]


def _legal_basis(passage: str, field: str, notes: Notes) -> Values:
    found = _LAW.search(passage)
    if found is None:
        notes.warn(
            WarningName.LEGAL_BASIS_UNPARSED, field, "no 《law》 found, so its beginning is used as the name", passage
        )
        return {"law_name": re.split(r"[，。；：\n]", passage)[0][:100] or passage[:100], "content": passage}
    basis: Values = {"law_name": found[1].strip(), "document_no": found[2], "article": found[3]}
    rest = passage if found[0] != passage else None
    return {name: part for name, part in (basis | {"content": rest}).items() if part}


def steps(value: Any, field: str, notes: Notes) -> list[Values]:
    """Return 办理流程 as steps; prose that is too long for a step's name becomes the content of one step."""
    found = [_step(step, f"{field}[{index}]", notes) for index, step in enumerate(children(value, field, STEP, notes))]
    return [part for step in found for part in _of_bearable_length(step)]


def _of_bearable_length(step: Values) -> list[Values]:
    """Divide a step whose content is longer than the contract takes; the exchange's `handle_flow` has no limit."""
    passages = divided(step.get("content") or "", LONGEST_CONTENT)
    if len(passages) < 2:
        return [step]
    name, last = step.get("name", FLOW)[:LONGEST_NAME], len(passages)
    parts = [{"name": f"{name}（{n}/{last}）", "content": passage} for n, passage in enumerate(passages, start=1)]
    return [*parts[:-1], {**step, **parts[-1]}]


def _step(step: Values, field: str, notes: Notes) -> Values:
    step = _in_working_days(step, field, notes)
    name = step.get("name", "")
    prose = set(step) == {"name"} and (len(name) > 100 or "\n" in name)
    return {"name": FLOW, "content": name} if prose else step


def _in_working_days(step: Values, field: str, notes: Notes) -> Values:
    """Convert the step's time, which the contract counts in 工作日. A number without a unit is left out."""
    named = step.get("unit")
    count, unit = step.get("day", (None, None))
    kept = {name: value for name, value in step.items() if name not in ("day", "unit")}
    if count is None:
        return kept
    if named and unit and named != unit:
        notes.refuse(f"{field}.day", Rule.DURATION, "the unit differs from the one in the number", count)
        return kept
    if "2" in (named, unit):
        notes.refuse(f"{field}.day", Rule.DURATION, "a step's time must be in 工作日", count)
        return kept
    if count and not (named or unit):
        message = "a step's time without a unit, left out: write 3个工作日, or state the unit in its own column"
        notes.warn(WarningName.UNIT_UNKNOWN, f"{field}.day", message, count)
        return kept
    return {**kept, "day": count}


def snake(name: str) -> str:
    """`feeStand` → `fee_stand`; `TASK_CODE` → `task_code`."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.strip())
    return re.sub(r"[\s\-]+", "_", spaced).lower()


def _alone(value: Any, field: str, shape: "Shape", notes: Notes) -> list[Any]:
    if isinstance(value, dict):
        return [value]
    if shape in (MATERIAL, STEP):
        content = text(value, field, notes)
        if content is None:
            return []
        return material_entries(content, field, notes) if shape is MATERIAL else step_entries(content)
    return list(parts(value, field, notes, "^\n" if shape is WINDOW else "^"))


def _child(entry: Any, field: str, shape: Shape, notes: Notes) -> Values:
    if not isinstance(entry, dict):
        word = _required(entry, field, shape.word, shape, notes)
        return {} if word is None else {shape.word: word}
    found: Values = {}
    for name, value in entry.items():
        ours = shape.names.get(snake(name), snake(name))
        if ours in shape.fields:
            converted = _required(value, f"{field}.{name}", ours, shape, notes)
            if converted is not None:
                found.setdefault(ours, converted)
        elif ours not in NOT_CARRIED and value not in (None, "", []):
            notes.warn(WarningName.UNKNOWN_COLUMN, f"{field}.{name}", "unknown column, left out")
    return _settled(found)


def _required(value: Any, field: str, ours: str, shape: Shape, notes: Notes) -> Any:
    """Return the converted value of a child's field; note the whole list as lost if the child's name cannot be read.

    A list without one of its entries would be taken for the whole list.
    """
    before = len(notes.violations)
    converted = shape.fields[ours](value, field, notes)
    if ours == shape.word and len(notes.violations) > before:
        notes.lost.add(field.partition("[")[0])
    return converted


def _settled(found: Values) -> Values:
    if "amount" in found:
        found.setdefault("amount_fen", found.pop("amount"))
    # 2 容缺后补 is a third value of 必要性 in one system: it becomes a flag of its own. In systems with two values,
    # neither says whether a material may follow later.
    if "is_need" in found:
        code = found.pop("is_need")
        found |= {"is_need": code != "0"} if code != "2" else {"is_need": True, "tolerable": True}
    return found


def _table(table: str) -> Converter:
    return lambda value, field, notes: one_code(value, field, table, notes)


def _need_code(value: Any, field: str, notes: Notes) -> str | None:
    return str(int(value)) if isinstance(value, bool) else one_code(value, field, "is_need", notes)


def _day_count(value: Any, field: str, notes: Notes) -> tuple[int, str | None] | None:
    count, unit = days(value, field, notes)
    return None if count is None else (count, unit)


MATERIAL = Shape(
    word="material_name",
    fields={
        "material_name": line,
        "is_need": _need_code,
        "tolerable": yes_no,
        "material_type": _table("material_type"),
        "material_format": _table("material_format"),
        "copies": whole,
        "source_type": _table("source_type"),
        "source_explain": text,
        "form_url": file_url,
        "example_url": file_url,
        "fill_explain": text,
        "accept_stand": text,
    },
    names={"page_num": "copies", "name": "material_name", "is_necessary": "is_need", "by_law": "remark"},
)
FEE = Shape(
    word="fee_name",
    fields={
        "fee_name": line,
        "amount": fen,
        "amount_fen": whole,
        "fee_stand": text,
        "by_law": text,
        "is_desc": yes_no,
        "desc_explain": text,
    },
    names={},
)
STEP = Shape(
    word="name",
    fields={"name": text, "content": text, "day": _day_count, "unit": _table("time_unit"), "result": text},
    names={
        "activity_name": "name",
        "link_name": "name",
        "standard": "content",
        "handle_time_limit": "day",
        "handle_day": "day",
        "handle_type": "unit",
    },
)
WINDOW = Shape(
    word="address",
    fields={"address": line, "window_no": line, "hours": text, "phone": contact, "traffic": text},
    names={"tel": "phone", "time": "hours", "transact_addr": "address", "transact_time": "hours", "name": "window_no"},
)
QUESTION = Shape(word="question", fields={"question": text, "answer": text}, names={})
LEGAL_BASIS = Shape(
    word="law_name",
    fields={"law_name": line, "document_no": line, "article": line, "content": text},
    names={
        "accordingnumber": "document_no",
        "according_number": "document_no",
        "terms_number": "article",
        "terms_content": "content",
    },
)

SHAPES: Mapping[str, Shape] = {
    "materials": MATERIAL,
    "fees": FEE,
    "steps": STEP,
    "windows": WINDOW,
    "questions": QUESTION,
    "by_law": LEGAL_BASIS,
}
"""Our fields that are child tables."""
