"""JSON text as one row's values, strictly: what is ambiguous, unstorable or too deep is `Unreadable`, never a crash."""

import json
from typing import Any

from services.importing.notes import Rule, shown
from services.importing.row import WHOLE_ROW
from shared.errors import Violation

DEEPEST = 32


class Unreadable(ValueError):
    """A piece of text is no row; `violation` says why."""

    def __init__(self, rule: Rule, message: str, value: Any = None, field: str = WHOLE_ROW) -> None:
        self.violation = Violation(shown(field) or WHOLE_ROW, str(rule), message, shown(value))
        super().__init__(message)


def parsed(text: str) -> dict[str, Any]:
    """The JSON object that `text` is; numbers come as text. Raises `Unreadable`, nothing else."""
    try:
        return sound_object(DECODER.decode(text))
    except RecursionError:
        raise too_deep() from None
    except json.JSONDecodeError as error:
        raise Unreadable(Rule.READABLE, f"broken JSON: {error}", text) from None


def sound_object(value: Any) -> dict[str, Any]:
    """`value` if it is a JSON object and sound; else `Unreadable`, naming the field."""
    if not isinstance(value, dict):
        raise Unreadable(Rule.TYPE, "a row is a JSON object", value)
    if isinstance(value, _Repeated):
        raise value.complaint()
    for name, part in value.items():
        _require_sound(name, WHOLE_ROW)
        _require_sound(part, name)
    return value


def _require_sound(value: Any, field: str) -> None:
    """Raise `Unreadable` for what cannot be stored: unpaired surrogates, NUL, NaN, repeated names, deep nesting."""
    waiting: list[tuple[Any, int]] = [(value, 1)]
    while waiting:
        part, depth = waiting.pop()
        if depth > DEEPEST:
            raise too_deep(field)
        if isinstance(part, str):
            _require_characters(part, field)
        elif isinstance(part, float):
            raise Unreadable(Rule.READABLE, "broken JSON: NaN and Infinity are no numbers", str(part), field)
        elif isinstance(part, _Repeated):
            raise part.complaint(f"{field}.")
        elif isinstance(part, list):
            waiting.extend((entry, depth + 1) for entry in part)
        elif isinstance(part, dict):
            waiting.extend((entry, depth + 1) for pair in part.items() for entry in pair)


def too_deep(field: str = WHOLE_ROW) -> Unreadable:
    """The complaint about nesting."""
    return Unreadable(Rule.DEPTH, f"nested deeper than {DEEPEST} levels", field=field)


def _require_characters(part: str, field: str) -> None:
    if "\0" in part:
        raise Unreadable(Rule.CHARACTERS, "NUL in text", part, field)
    try:
        part.encode()
    except UnicodeEncodeError:
        raise Unreadable(Rule.CHARACTERS, "an unpaired surrogate in text", part, field) from None


class _Repeated(dict[str, Any]):
    """An object in which a name occurs twice. Found while parsing, told afterwards: so the parser can go on."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__()

    def complaint(self, where: str = "") -> Unreadable:
        """What to say of it; `where`: the object it is in."""
        return Unreadable(Rule.REPEATED_FIELD, "there twice: which value holds?", field=where + self.name)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            return _Repeated(name)
        found[name] = value
    return found


# Numbers stay text: days and money never pass through binary floats, and no digit limit of int() can strike.
DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_float=str, parse_int=str)
