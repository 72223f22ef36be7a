"""Filters of a subscription as a form has them, and in words. Pure.

The form's choices are one filter each: kinds, operations, departments by prefix, and items. What cannot be said by them
is written as JSON, in the form that the API takes (docs/integrating/subscriptions.md).
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from contracts.kinds import KINDS, Op, is_public
from shared.errors import Invalid, Violation

KIND_CHOICES: Mapping[str, str] = {name: entry.title for name, entry in KINDS.items() if is_public(name)}
OP_CHOICES: Mapping[str, str] = {str(Op.RELEASE): "发布", str(Op.WITHDRAW): "撤下"}
ATTRIBUTES: Mapping[str, str] = {
    "kind": "种类",
    "op": "动作",
    "type": "事件类型",
    "key": "键",
    "item": "实施编码",
    "department": "部门编码",
}
VALUES: Mapping[str, Mapping[str, str]] = {"kind": KIND_CHOICES, "op": OP_CHOICES}
DIALECTS: Mapping[str, str] = {"kind": "exact", "op": "exact", "department": "prefix", "item": "exact"}
"""How each choice of the form is compared."""
LONGEST_CODE = 160
MOST_CODES = 190


@dataclass(frozen=True, slots=True)
class TypedFilters:
    """What a form has sent. `departments`, `items`: one code a line. `text`: JSON, instead of the choices."""

    kinds: tuple[str, ...] = ()
    ops: tuple[str, ...] = ()
    departments: str = ""
    items: str = ""
    text: str = ""

    def filters(self) -> list[Any]:
        """Return the filters. Raises `Invalid` naming the field of the form."""
        chosen = [one for one in self._chosen() if one is not None]
        if not self.text.strip():
            return chosen
        if chosen:
            raise Invalid(_wrong("filters", "both", "上面的选项和 JSON 只能用一种：请清空其中一种"))
        try:
            found = json.loads(self.text)
        except ValueError:
            raise Invalid(_wrong("filters", "json", "不是 JSON：请核对括号、引号和逗号")) from None
        if not isinstance(found, list):
            raise Invalid(_wrong("filters", "form", "应为列表，即写在 [ ] 里；全部收取请留空"))
        return found

    def _chosen(self) -> Iterator[dict[str, Any] | None]:
        for name, values in (("kind", self.kinds), ("op", self.ops)):
            unknown = [one for one in values if one not in VALUES[name]]
            if unknown:
                raise Invalid(_wrong(f"{name}s", "choice", "请从列出的选项里选择"))
            yield _any_of(name, values)
        yield _any_of("department", _codes("departments", self.departments))
        yield _any_of("item", _codes("items", self.items))


def typed_of(filters: Sequence[Mapping[str, Any]]) -> TypedFilters:
    """Return filters as the form shows them: by its choices where they suffice, otherwise as JSON."""
    found: dict[str, list[str]] = {}
    for one in filters:
        said = _said_by_choice(one)
        if said is None or said[0] in found:
            return TypedFilters(text=json.dumps(filters, ensure_ascii=False, indent=2))
        found[said[0]] = said[1]
    kinds, ops = tuple(found.get("kind", ())), tuple(found.get("op", ()))
    return TypedFilters(kinds, ops, "\n".join(found.get("department", ())), "\n".join(found.get("item", ())))


def words(filters: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return each filter as a sentence; all of them must match. Nothing for what takes everything."""
    return [_words(one) for one in filters]


def _words(one: Mapping[str, Any]) -> str:
    said = _said_by_choice(one)
    if said is not None:
        name, values = said
        verb = "以此开头" if DIALECTS[name] == "prefix" else ""
        return f"{ATTRIBUTES[name]}{verb}：{'、'.join(VALUES.get(name, {}).get(value, value) for value in values)}"
    ((dialect, content),) = one.items()
    match dialect:
        case "any":
            return f"任一满足（{'；'.join(_words(inner) for inner in content)}）"
        case "all":
            return f"同时满足（{'；'.join(_words(inner) for inner in content)}）"
        case "not":
            return f"除了（{_words(content)}）"
        case "exact" | "prefix":
            verb = "是" if dialect == "exact" else "以此开头："
            return "，".join(
                f"{ATTRIBUTES.get(name, name)}{verb}{VALUES.get(name, {}).get(value, value)}"
                for name, value in content.items()
            )
    return json.dumps(one, ensure_ascii=False)


def _said_by_choice(one: Mapping[str, Any]) -> tuple[str, list[str]] | None:
    """Return attribute and values of a filter that the form's choices can say."""
    parts = one["any"] if list(one) == ["any"] else [one]
    names, values = set[str](), list[str]()
    for part in parts:
        ((dialect, content),) = part.items()
        if dialect not in ("exact", "prefix") or len(content) != 1:
            return None
        ((name, value),) = content.items()
        if DIALECTS.get(name) != dialect or (name in VALUES and value not in VALUES[name]):
            return None
        names.add(name)
        values.append(value)
    return (names.pop(), values) if len(names) == 1 else None


def _any_of(name: str, values: Sequence[str]) -> dict[str, Any] | None:
    parts = [{DIALECTS[name]: {name: value}} for value in values]
    return None if not parts else parts[0] if len(parts) == 1 else {"any": parts}


def _codes(name: str, text: str) -> list[str]:
    codes = list(dict.fromkeys(text.upper().split()))
    wrong = [one for one in codes if not (one.isascii() and one.isalnum() and len(one) <= LONGEST_CODE)]
    if wrong:
        raise Invalid(_wrong(name, "code", f"编码只有数字和字母，每行一个：请改 {wrong[0][:40]}"))
    if len(codes) > MOST_CODES:
        raise Invalid(_wrong(name, "size", f"最多 {MOST_CODES} 个编码"))
    return codes


def _wrong(name: str, rule: str, message: str) -> Violation:
    return Violation(name, rule, message)
