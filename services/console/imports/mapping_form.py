"""The form of a mapping: what is suggested or was typed → its fields, and back to the settings of an import. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from contracts.base import Json
from shared.errors import Violation

COLUMN = "column."
REGION = "region"
FLAGS = ("full", "withdraw_missing", "empty_cells")
_RULE_PARTS = ("split", "pattern", "map")


@dataclass(frozen=True, slots=True)
class FieldLine:
    """One field of ours: the file's column for it ("" for none), and what this column contains."""

    name: str
    title: str
    needed: bool
    column: str
    examples: tuple[str, ...]


@dataclass(frozen=True)
class MappingForm:
    """What the form shows. `first`: fields that are needed or have a column; `others`: the rest.

    `columns`: sheet and name of each column of the file. `text`: a mapping in YAML; it counts instead of the columns.
    `typed`: the other fields by name.
    """

    format: str
    first: tuple[FieldLine, ...] = ()
    others: tuple[FieldLine, ...] = ()
    columns: tuple[tuple[str, str], ...] = ()
    children: tuple[str, ...] = ()
    text: str = ""
    typed: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)


def form_of(
    suggestion: Json,
    settings: Json | None,
    sent: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
) -> MappingForm:
    """Return the form. `settings`: of the newest preview; `sent`: what was typed and refused, which counts first."""
    chosen = _chosen(suggestion, settings, sent)
    examples = _examples(suggestion)
    lines = [
        FieldLine(one["name"], one["title"], one["needed"], column, tuple(examples.get(column, ())))
        for one in suggestion["fields"]
        for column in [chosen.get(one["name"], "")]
    ]
    mapping = _mapping_of(settings)
    return MappingForm(
        format=(sent or {}).get("format") or (settings or {}).get("format") or suggestion["format"],
        first=tuple(line for line in lines if line.needed or line.column),
        others=tuple(line for line in lines if not (line.needed or line.column)),
        columns=tuple((table["sheet"], one["name"]) for table in suggestion["tables"] for one in table["columns"]),
        children=tuple((mapping or suggestion["mapping"] or {}).get("children") or ()),
        text=(sent or {}).get("text", "") if sent is not None else _text(settings),
        typed=sent if sent is not None else _typed(settings, mapping),
        errors=errors or {},
    )


def settings_of(sent: Mapping[str, str], suggestion: Json, before: Json | None, confirm: Iterable[str]) -> Json:
    """Return the settings that the form states. What the form has no field for is kept from `before`, the settings of
    the newest preview: splits, patterns and words of a column, child tables, sheets.
    """
    flags = {name: bool(sent.get(name)) for name in FLAGS}
    regions = [word for word in sent.get("regions", "").replace("，", ",").replace(" ", ",").split(",") if word]
    told: Json = {
        "format": sent.get("format", "table"),
        "source": sent.get("source", "").strip(),
        "codes": sent.get("codes") or None,
        "regions": regions,
        "confirm": sorted(set(confirm)),
        **flags,
    }
    if told["format"] != "table":
        return told
    return {**told, "mapping": sent.get("text", "").strip() or _mapping(sent, suggestion, before)}


def errors_of(violations: Iterable[Violation]) -> dict[str, str]:
    """Return the message for each field of the form; what belongs to no field is under an empty name."""
    found: dict[str, str] = {}
    known = ("source", "regions", "codes", "format", *FLAGS)
    for one in violations:
        head = one.field.partition(".")[0]
        name = head if head in known else "text" if head in ("mapping", "columns", "children") else ""
        found.setdefault(name, one.message)
    return found


def _mapping(sent: Mapping[str, str], suggestion: Json, before: Json | None) -> Json:
    base: Json = dict(_mapping_of(before) or suggestion["mapping"] or {})
    rules: Json = base.get("columns") or {}
    taken = {name.removeprefix(COLUMN): column for name, column in sent.items() if name.startswith(COLUMN) and column}
    base["columns"] = {name: _rule(column, rules.get(name)) for name, column in taken.items()}
    constants = {name: value for name, value in (base.get("constants") or {}).items() if name != REGION}
    region = sent.get(REGION, "").strip()
    base["constants"] = {**constants, **({REGION: region} if region and REGION not in taken else {})}
    base["dialect"] = sent.get("dialect") or None
    return {name: value for name, value in base.items() if value not in (None, {}, [])}


def _rule(column: str, before: object) -> object:
    """Return the rule of a column: what splits and replaces stays as long as the column is the same."""
    kept = isinstance(before, dict) and before.get("column") == column and any(before.get(one) for one in _RULE_PARTS)
    return before if kept else column


def _mapping_of(settings: Json | None) -> Json | None:
    mapping = (settings or {}).get("mapping")
    return mapping if isinstance(mapping, dict) else None


def _text(settings: Json | None) -> str:
    mapping = (settings or {}).get("mapping")
    return mapping if isinstance(mapping, str) else ""


def _chosen(suggestion: Json, settings: Json | None, sent: Mapping[str, str] | None) -> dict[str, str]:
    if sent is not None:
        return {name.removeprefix(COLUMN): value for name, value in sent.items() if name.startswith(COLUMN)}
    mapping = _mapping_of(settings) or suggestion["mapping"] or {}
    return {name: _column(rule) for name, rule in (mapping.get("columns") or {}).items()}


def _column(rule: object) -> str:
    return str(rule.get("column", "")) if isinstance(rule, dict) else str(rule)


def _examples(suggestion: Json) -> dict[str, list[str]]:
    return {one["name"]: one["examples"] for table in suggestion["tables"] for one in table["columns"]}


def _typed(settings: Json | None, mapping: Json | None) -> dict[str, str]:
    told = settings or {}
    flags = {name: "1" for name in FLAGS if told.get(name)}
    return {
        "source": told.get("source", ""),
        "regions": ",".join(told.get("regions", [])),
        "codes": told.get("codes") or "",
        REGION: str(((mapping or {}).get("constants") or {}).get(REGION) or ""),
        "dialect": str((mapping or {}).get("dialect") or ""),
        **flags,
    }
