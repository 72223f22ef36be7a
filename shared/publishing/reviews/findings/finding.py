"""One finding, and the texts of a body in which rules look."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from contracts.base import SALT, Json
from contracts.content.gates import Gate

LONGEST_TEXT = 60


@dataclass(frozen=True, slots=True)
class ReviewFinding:
    """One place that a reviewer of `gate` has to look at. `field`: path in the body; `text`: the words found there.

    `message` says in Chinese what is wrong. Personal data are not repeated in `text`.
    """

    gate: Gate
    code: str
    field: str
    rule: str
    message: str
    text: str = ""

    @property
    def id(self) -> str:
        """Its name within a review: the same place and rule has the same one."""
        told = f"{self.gate}\n{self.code}\n{self.field}\n{self.rule}\n{self.text}"
        return hashlib.sha256(told.encode()).hexdigest()[:16]

    def as_json(self) -> Json:
        """Return it as reviews store and show it."""
        return {
            "id": self.id,
            "gate": self.gate,
            "code": self.code,
            "field": self.field,
            "rule": self.rule,
            "message": self.message,
            "text": self.text[:LONGEST_TEXT],
        }


@dataclass(frozen=True, slots=True)
class BodyText:
    """One text of a body, with its path."""

    field: str
    text: str


def texts_of(body: Json) -> list[BodyText]:
    """Return every text of a body that a person wrote; codes and addresses of pages are none."""
    return [one for one in _walk("", body) if one.field not in ("code", SALT) and not one.field.endswith("_url")]


def _walk(path: str, value: Any) -> Iterator[BodyText]:
    if isinstance(value, str):
        yield BodyText(path, value)
        return
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in parts:
        yield from _walk(f"{path}.{name}" if path else str(name), part)
