"""What a cell says before it is converted: errors of a spreadsheet refuse the row, HTML becomes text, and words that
stand where somebody meant to write something are found (`shared.text.unwritten`).
"""

import re
from collections.abc import Mapping
from typing import Any

from services.importing.fields.conversions import UNKNOWN, compared
from services.importing.fields.html_text import has_markup, plain_text
from services.importing.fields.notes import Notes, Rule
from services.importing.row import WarningName
from shared.text.unwritten import Level, MarkName, unwritten_in

_SCIENTIFIC = re.compile(r"\s*\d(?:\.\d+)?E\+\d{2,3}\s*", re.IGNORECASE)

UNCOMPUTED = "#UNCOMPUTED!"
"""What the readers of workbooks return for a formula whose result is not stored."""

_ELSEWHERE = re.compile(r"详见|见附件|见附表")
"""Points to a paper that does not come with the cell."""

_ADDRESSES = frozenset({"form_url", "example_url", "online_handle_url", "mobile_terminal_url"})


def readable(raw: Mapping[str, Any], notes: Notes) -> dict[str, Any]:
    """Return the row's values with HTML converted to text; a spreadsheet's error is noted as a violation."""
    return {column: _readable(value, column, notes) for column, value in raw.items()}


def readable_value(value: Any, field: str, notes: Notes) -> Any:
    """Return one value as `readable` does. `field`: our name, or the column."""
    return _readable(value, field, notes)


def _readable(value: Any, field: str, notes: Notes) -> Any:
    if isinstance(value, str):
        return _text(value, field, notes)
    if isinstance(value, list):
        return [_readable(entry, f"{field}[{index}]", notes) for index, entry in enumerate(value)]
    if isinstance(value, dict):
        return {name: _readable(entry, f"{field}.{name}", notes) for name, entry in value.items()}
    return value


def _text(value: str, field: str, notes: Notes) -> str:
    if "#" in value and any(one.name == MarkName.SPREADSHEET_ERROR for one in unwritten_in(value)):
        message = "an error of the spreadsheet, not a value: repair the formula, or write the value"
        notes.refuse(field, Rule.SPREADSHEET_ERROR, message, value)
        return ""
    if value == UNCOMPUTED:
        message = "a formula without a stored result: open the workbook in Excel or WPS and save it"
        notes.refuse(field, Rule.SPREADSHEET_ERROR, message, value)
        return ""
    if _SCIENTIFIC.fullmatch(value):
        message = (
            "a number of more than 15 digits, of which the spreadsheet has lost the others: format the column as text, "
            "then enter the value again"
        )
        notes.refuse(field, Rule.LOST_DIGITS, message, value)
        return ""
    if not has_markup(value):
        return value
    text, lost = plain_text(value)
    if lost:
        message = f"HTML with {', '.join(dict.fromkeys(lost))}, which text cannot show: say in words what it shows"
        notes.warn(WarningName.HTML_CONTENT_LOST, field, message, value)
    else:
        notes.warn(WarningName.HTML_TO_TEXT, field, "HTML converted to text", value)
    return text


def without_unwritten(values: Mapping[str, Any], notes: Notes) -> dict[str, Any]:
    """Return values without words for "unknown" (不详).

    A text that is nothing but a word to be replaced later (待定, XX, 同上) is noted as a violation, since people would
    read it as the answer; inside a longer text it is noted as a warning.
    """
    made = {name: _written(value, name, notes) for name, value in values.items()}
    return {name: value for name, value in made.items() if value is not None or values[name] is None}


def _written(value: Any, field: str, notes: Notes) -> Any:
    if isinstance(value, list):
        return [_written(entry, f"{field}[{index}]", notes) for index, entry in enumerate(value)]
    if isinstance(value, dict):
        return {name: _written(entry, f"{field}.{name}", notes) for name, entry in value.items()}
    if not isinstance(value, str) or field.rpartition(".")[2] in _ADDRESSES:
        return value
    marks = [one for one in unwritten_in(value) if one.level != Level.FINDING]
    if any(one.level == Level.REFUSE for one in marks):
        message = "a word to be replaced later, which people would believe: write the value, or leave it blank"
        notes.refuse(field, Rule.UNWRITTEN, message, value)
    elif compared(value).strip("。") in UNKNOWN and "[" not in field:
        notes.warn(WarningName.WORD_UNCLEAR, field, "states that it is unknown; a known value is unchanged", value)
        return None
    elif words := (marks[0].words if marks else "") or (found[0] if (found := _ELSEWHERE.search(value)) else ""):
        message = f"contains {words}, which may stand for something that is still to be written"
        notes.warn(WarningName.UNWRITTEN_INSIDE, field, message, value)
    return value
