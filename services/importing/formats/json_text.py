"""Parse JSON text strictly into one row's values: raises `UnreadableText` for ambiguous, unstorable or deeply nested
text, and nothing else.
"""

import json
from typing import Any

from services.importing.fields.notes import Rule, shown
from services.importing.row import WHOLE_ROW
from shared.errors import Violation

DEEPEST = 32


class UnreadableText(ValueError):
    """A text is no row; `violation` says why."""

    def __init__(self, rule: Rule, message: str, value: Any = None, field: str = WHOLE_ROW) -> None:
        self.violation = Violation(shown(field) or WHOLE_ROW, str(rule), message, shown(value))
        super().__init__(message)


def parsed(text: str) -> dict[str, Any]:
    """Return the JSON object in `text`; its numbers are strings. Raises `UnreadableText`, nothing else."""
    try:
        return sound_object(DECODER.decode(text))
    except RecursionError:
        raise too_deep() from None
    except json.JSONDecodeError as error:
        raise UnreadableText(Rule.READABLE, f"broken JSON: {error}", text) from None


def sound_object(value: Any) -> dict[str, Any]:
    """Return `value` if it is a valid JSON object. Raises `UnreadableText` naming the field."""
    if not isinstance(value, dict):
        raise UnreadableText(Rule.TYPE, "a row is a JSON object", value)
    if isinstance(value, _Repeated):
        raise value.complaint()
    for name, part in value.items():
        _require_sound(name, WHOLE_ROW)
        _require_sound(part, name)
    return value


def _require_sound(value: Any, field: str) -> None:
    """Raise `UnreadableText` for what cannot be stored: unpaired surrogates, NUL, NaN, repeated names, deep nesting."""
    waiting: list[tuple[Any, int]] = [(value, 1)]
    while waiting:
        part, depth = waiting.pop()
        if depth > DEEPEST:
            raise too_deep(field)
        if isinstance(part, str):
            _require_characters(part, field)
        elif isinstance(part, float):
            raise UnreadableText(Rule.READABLE, "broken JSON: NaN and Infinity are no numbers", str(part), field)
        elif isinstance(part, _Repeated):
            raise part.complaint(f"{field}.")
        elif isinstance(part, list):
            waiting.extend((entry, depth + 1) for entry in part)
        elif isinstance(part, dict):
            waiting.extend((entry, depth + 1) for pair in part.items() for entry in pair)


def too_deep(field: str = WHOLE_ROW) -> UnreadableText:
    """Return the error about nesting."""
    return UnreadableText(Rule.DEPTH, f"nested deeper than {DEEPEST} levels", field=field)


def _require_characters(part: str, field: str) -> None:
    if "\0" in part:
        raise UnreadableText(Rule.CHARACTERS, "NUL in text", part, field)
    try:
        part.encode()
    except UnicodeEncodeError:
        raise UnreadableText(Rule.CHARACTERS, "an unpaired surrogate in text", part, field) from None


class _Repeated(dict[str, Any]):
    """An object with a repeated name. It is reported after parsing, so that the parser can continue."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__()

    def complaint(self, where: str = "") -> UnreadableText:
        """Return the error; `where`: the object that contains it."""
        return UnreadableText(Rule.REPEATED_FIELD, "there twice: which value holds?", field=where + self.name)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            return _Repeated(name)
        found[name] = value
    return found


# Numbers stay text: days and money are never binary floats, and int()'s limit of digits does not apply.
DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_float=str, parse_int=str)
