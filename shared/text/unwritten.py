"""Text that is still to be written: `XX`, 待定, TODO, `#REF!`. One table for imports, the guide linter and reviews.

Each mark has a level for a text that is nothing else, and one for where it stands inside a longer text:

    level     import               guide linter (G-17)      文字关
    refuse    refuses the row      certain finding          finding
    warn      warns                finding for a person     finding
    finding   -                    -                        finding

`refuse`: readers would take it for the answer. `warn`: seldom meant. `finding`: often meant, so only a reviewer sees
it. Words for "there is none" (无, /) and for "it is unknown" (不详) are statements, and no marks.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """What a mark costs; see the table of the module."""

    REFUSE = "refuse"
    WARN = "warn"
    FINDING = "finding"


class MarkName(StrEnum):
    """Why the text is not written yet."""

    SPREADSHEET_ERROR = "spreadsheet_error"
    LATER = "later"
    BLANK = "blank"
    SOMEBODY = "somebody"
    SAMPLE = "sample"
    NEIGHBOUR = "neighbour"
    QUESTION = "question"


@dataclass(frozen=True, slots=True)
class Mark:
    """One sort of mark. `alone`: the whole text, folded and in lower case. `inside`: anywhere in it; None: nowhere.

    A text that is `alone` has the level REFUSE; `level`: that of a mark `inside`. `says`: in Chinese, after the words.
    """

    name: MarkName
    alone: str | None
    inside: str | None
    level: Level
    says: str


SPREADSHEET_ERROR = (
    r"(?<![\w#])#(?:REF!|N/A|VALUE!|DIV/0!|NAME\?|NULL!|NUM!|SPILL!|CALC!|FIELD!|BLOCKED!|CONNECT!|BUSY!|GETTING_DATA)"
)
"""Errors of Excel and WPS."""

TO_BE_WRITTEN = frozenset(
    {"待定", "未定", "待补", "待补充", "待完善", "待填", "待填写", "待录入", "待确认", "待核实", "待更新", "待公布"}
    | {"待明确", "请填写", "请输入", "此处填写"}
)

MARKS = (
    # `####` is what a column shows that is too narrow, and what was copied from it.
    Mark(MarkName.SPREADSHEET_ERROR, r"#{4,}", f"(?i:{SPREADSHEET_ERROR})", Level.REFUSE, "是表格软件的错误值"),
    Mark(
        MarkName.LATER,
        "|".join(sorted(TO_BE_WRITTEN)) + "|todo|tbd",
        r"待定|待补充|待完善|待填写|请填写|(?<![A-Za-z])(?:TODO|TBD)(?![A-Za-z])",
        Level.WARN,
        "像是以后再填的话",
    ),
    Mark(
        MarkName.BLANK,
        r"[x×*?_#]{2,}",
        r"(?<![A-Za-z])[XxＸｘ]{2,}(?![A-Za-z])|×{2,}|[*＊]{2,}|[?？]{3,}",
        Level.WARN,
        "像是没有填的空位",
    ),
    Mark(MarkName.SOMEBODY, "某{2,}", "某{2,}", Level.WARN, "没有写明是谁"),
    Mark(MarkName.SAMPLE, "测试|示例|样例|test", None, Level.WARN, "像是试填的内容"),
    Mark(
        MarkName.NEIGHBOUR,
        "同[上前左右下]|同上栏|见上栏?",
        "(?<!不)同上(?!级|学|班)",
        Level.WARN,
        "指的是表格里的另一格，离开表格就没有意思",
    ),
    Mark(MarkName.QUESTION, None, "[?？]{2}", Level.FINDING, "连写了两个问号，像是没有填完"),
)
"""The table, in order: where two marks begin at the same place, the earlier one counts."""

_ALONE = re.compile("|".join(f"(?P<{one.name}>(?:{one.alone}))" for one in MARKS if one.alone))
_INSIDE = re.compile("|".join(f"(?P<{one.name}>{one.inside})" for one in MARKS if one.inside))
_BY_NAME = {str(one.name): one for one in MARKS}
_AROUND = "。（）()【】[]"


@dataclass(frozen=True, slots=True)
class Unwritten:
    """One mark in a text: the words, where they begin, and what they cost there."""

    name: MarkName
    level: Level
    words: str
    start: int
    says: str


def unwritten_in(text: str) -> Iterator[Unwritten]:
    """Yield the marks of a text in order; a text that is nothing but a mark has one."""
    folded = "".join(unicodedata.normalize("NFKC", text).split()).strip(_AROUND).lower()
    if whole := _ALONE.fullmatch(folded):
        mark = _BY_NAME[str(whole.lastgroup)]
        yield Unwritten(mark.name, Level.REFUSE, text.strip(), 0, mark.says)
        return
    for found in _INSIDE.finditer(text):
        mark = _BY_NAME[str(found.lastgroup)]
        yield Unwritten(mark.name, mark.level, found[0], found.start(), mark.says)
