"""Text that is still to be written: one table of marks, and what each costs in an import, the linter and a review."""

from datetime import date

import pytest

from contracts.content.gates import Gate
from services.importing.fields.cell_text import readable, without_unwritten
from services.importing.fields.notes import Notes
from services.importing.row import WarningName
from shared.publishing.guide_linter.finding import Subject
from shared.publishing.guide_linter.wording import texts_are_written
from shared.publishing.reviews.findings.finding import BodyText
from shared.publishing.reviews.findings.wording import slips_in
from shared.text.unwritten import MARKS, Level, MarkName, unwritten_in
from tests.harness.pipeline import guide

EXAMPLES = {
    "#REF!": (MarkName.SPREADSHEET_ERROR, Level.REFUSE),
    "合计 #n/a 元": (MarkName.SPREADSHEET_ERROR, Level.REFUSE),
    "######": (MarkName.SPREADSHEET_ERROR, Level.REFUSE),
    "待定": (MarkName.LATER, Level.REFUSE),
    "（待确认）。": (MarkName.LATER, Level.REFUSE),
    "Tbd": (MarkName.LATER, Level.REFUSE),
    "费用待定，以窗口为准": (MarkName.LATER, Level.WARN),
    "地址：TODO": (MarkName.LATER, Level.WARN),
    "ＸＸＸ": (MarkName.BLANK, Level.REFUSE),
    "× × ×": (MarkName.BLANK, Level.REFUSE),
    "____": (MarkName.BLANK, Level.REFUSE),
    "？？": (MarkName.BLANK, Level.REFUSE),
    "到XX局领取": (MarkName.BLANK, Level.WARN),
    "138****0000": (MarkName.BLANK, Level.WARN),
    "周一至周五???": (MarkName.BLANK, Level.WARN),
    "某某": (MarkName.SOMEBODY, Level.REFUSE),
    "请到某某窗口": (MarkName.SOMEBODY, Level.WARN),
    "测试": (MarkName.SAMPLE, Level.REFUSE),
    "同上": (MarkName.NEIGHBOUR, Level.REFUSE),
    "见上栏": (MarkName.NEIGHBOUR, Level.REFUSE),
    "受理条件同上": (MarkName.NEIGHBOUR, Level.WARN),
    "真的吗？？": (MarkName.QUESTION, Level.FINDING),
}
"""Text → its mark and level."""

WRITTEN = (
    "XXL码", "EXXON公司", "试验测试报告", "无待办事项", "不同上级", "上述条件", "同上级机关", "待遇标准", "某人",
    "3×5厘米", "无", "/", "不详", "是否收费？", "C#语言", "#1窗口", "样例见墙上", "pretest",
)  # fmt: skip


def marks(text: str) -> list[tuple[MarkName, Level]]:
    return [(one.name, one.level) for one in unwritten_in(text)]


@pytest.mark.parametrize(("text", "mark"), EXAMPLES.items())
def test_a_mark_is_found_with_its_level(text: str, mark: tuple[MarkName, Level]) -> None:
    assert marks(text) == [mark]


@pytest.mark.parametrize("text", WRITTEN)
def test_what_only_looks_alike_or_states_something_is_no_mark(text: str) -> None:
    assert marks(text) == []


def test_every_sort_of_mark_and_every_level_has_an_example() -> None:
    assert {mark for mark, _ in EXAMPLES.values()} == {one.name for one in MARKS} == set(MarkName)
    assert {level for _, level in EXAMPLES.values()} == set(Level)


def test_marks_are_told_in_order_with_their_words_and_place() -> None:
    told = [(one.start, one.words) for one in unwritten_in("到XX局，费用待定")]

    assert told == [(1, "XX"), (7, "待定")]


@pytest.mark.parametrize(("text", "level"), [(text, level) for text, (_, level) in EXAMPLES.items()])
def test_an_import_refuses_the_linter_finds_and_a_reviewer_sees_what_the_level_says(text: str, level: Level) -> None:
    notes = Notes()
    without_unwritten(readable({"accept_condition": text}, notes), notes)
    warned = [one.name for one in notes.warnings if one.name == WarningName.UNWRITTEN_INSIDE]
    subject = Subject(None, guide(1, accept_condition=text), date(2026, 11, 30))
    linted = [one.certain for one in texts_are_written(subject)]
    reviewed = [one.gate for one in slips_in("x", BodyText("accept_condition", text)) if one.rule == "placeholder"]

    assert (bool(notes.violations), bool(warned)) == (level == Level.REFUSE, level == Level.WARN)
    assert linted == ([] if level == Level.FINDING else [level == Level.REFUSE])
    assert reviewed == [Gate.TEXT]
