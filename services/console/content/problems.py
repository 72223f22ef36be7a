"""What is wrong with a body, at the form's fields and in Chinese: rules of the contract, and what a source refused."""

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel

from contracts.base import Json
from contracts.codes.addresses import RULE as ADDRESS
from contracts.codes.coded_fields import RULE as CODE_TABLE
from contracts.codes.item_checks import LABELS
from contracts.codes.remedies import REMEDIES
from contracts.content.fact_pairs import RULE as ONE_FACT_ONCE
from services.console.content.reading import Problem, Read
from services.console.content.shape import MODELS, ContentKind, FieldKind, field_at, label_of, shape_of
from shared.errors import Invalid, Violation
from shared.publishing.fact_check import require_one_fact
from shared.text.invisible_characters import RULE as INVISIBLE
from shared.text.validation import parse_draft

FORM = ""
"""The path of a problem that belongs to no field."""

MESSAGES = {
    "missing": "必填，请填写",
    "string_too_short": "必填，请填写",
    "string_pattern_mismatch": "格式不对，请核对编码的位数和字符",
    "string_type": "请填写文字",
    "int_type": "请填写整数，例如 10",
    "int_parsing": "请填写整数，例如 10",
    "greater_than_equal": "不能小于0",
    "less_than_equal": "数值太大，请核对",
    "too_long": "项数太多，请合并或删除一些",
    "after_effective": "必须晚于计划生效日期",
    "later_than_today": "日期已过：删除它，或者填写真正的结束日期",
    "same_as_path": "实施编码与打开的不是同一个：不能在这里改编码，请新建",
    "no_personal_data": "文字里有居民身份证号码，请删去；办事指南不得公布个人信息",
    "made_by_the_source": "这个字段由系统填写，请留空",
    "file_unknown": "有一个文件已经不在：请删除它，再上传一次",
    "file_facts": "有一个文件的类型或大小与存放的不一致：请删除它，再上传一次",
    ADDRESS: "网址不能用：请从浏览器地址栏复制完整网址，以 https:// 开头",
    CODE_TABLE: "不在代码表里，请从列表中选择；不知道的留空",
    INVISIBLE: "文字里有看不见的或者字体没有的字符，请删掉后重新输入",
    ONE_FACT_ONCE: "同一件事写了两次，却不一样：请改成一样，或者只留一处",
}
"""Rule → what to do. Checks C-1 to C-10 have their own words (`contracts.codes`)."""


def problems_of(kind: ContentKind, read: Read) -> list[Problem]:
    """Return what cannot be read and what breaks the contract; at most one problem for a field."""
    found = list(read.problems)
    try:
        content = parse_draft(MODELS[kind], known_part(kind, read.body))
        require_one_fact(content)  # type: ignore[arg-type]  # MODELS holds Item and Guide
    except Invalid as error:
        found += [problem_of(kind, read, violation) for violation in error.violations]
    return list({one.path: one for one in reversed(found)}.values())[::-1]


def refusals(kind: ContentKind, read: Read, violations: Iterable[Violation]) -> list[Problem]:
    """Return what the source refused, at the form's fields."""
    return [problem_of(kind, read, one) for one in violations]


def problem_of(kind: ContentKind, read: Read, violation: Violation) -> Problem:
    """Return a violation in Chinese. One of a field that the form lacks belongs to the form as a whole."""
    shape = field_at(kind, violation.field)
    message = _words(violation, shape.longest if shape else None)
    if violation.rule == "string_pattern_mismatch" and shape is not None and shape.kind is FieldKind.CODE:
        message = MESSAGES[CODE_TABLE]
    if shape is None:
        return Problem(FORM, violation.rule, f"{label_of(kind, violation.field)}：{message}")
    field = _of_file(violation.field) if shape.kind is FieldKind.FILES else violation.field
    return Problem(read.form_path(field), violation.rule, message)


def _of_file(field: str) -> str:
    """`materials.2.files.0.name` → `materials.2.files`: a form shows the files of a material as one field."""
    return ".".join(field.split(".")[:3])


def known_part(kind: ContentKind, body: Json) -> Json:
    """Return the body without fields that this version's contract does not know."""
    shape = shape_of(kind)
    kept: Json = {}
    for name, value in body.items():
        if name not in shape:
            continue
        known = {part.name for part in shape[name].parts}
        kept[name] = [_only(part, known) for part in value] if known and isinstance(value, list) else value
    return kept


def content_of(kind: ContentKind, body: Json) -> BaseModel | None:
    """Return the body as its contract; None if it is not valid yet."""
    try:
        return parse_draft(MODELS[kind], known_part(kind, body))
    except Invalid:
        return None


def _only(part: Any, names: set[str]) -> Any:
    return {name: value for name, value in part.items() if name in names} if isinstance(part, dict) else part


def _words(violation: Violation, longest: int | None) -> str:
    rule = violation.rule
    if rule == "string_too_long":
        return f"太长，最多{longest}个字" if longest else "太长，请缩短"
    if rule in LABELS:
        remedy = REMEDIES[rule].zh if rule in REMEDIES else "请核对"
        return f"{LABELS[rule]}（{rule}）：{remedy}"
    if rule == ONE_FACT_ONCE and violation.value:
        return f"这里写的是“{violation.value}”，与另一处不一致：请改成一样，或者只留一处"
    if rule in MESSAGES:
        return MESSAGES[rule]
    # A rule of a newer source: its own words are better than none.
    return f"不符合规则 {rule}：{violation.message}"
