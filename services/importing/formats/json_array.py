"""Read the elements of one JSON array, one at a time from a window of text: a large file needs little memory."""

import codecs
import json
from collections.abc import Iterator
from typing import Any, BinaryIO

from services.importing.fields.notes import Rule
from services.importing.formats.json_text import DECODER, UnreadableText, too_deep

CHUNK = 64 * 1024
LARGEST_ELEMENT = 1024 * 1024
TAIL = 16
"""An error this near to the window's end (a cut `tru`, `\\u4e`) may be caused by the cut."""


def elements(file: BinaryIO) -> Iterator[Any]:
    """Yield each parsed element. Raises `UnreadableText` where the array is broken; the rest cannot be read."""
    window = _Window(file)
    window.take()
    if window.next_character() != "]":
        yield window.value()
        while (mark := window.take()) == ",":
            yield window.value()
        if mark != "]":
            raise UnreadableText(Rule.READABLE, "`,` or `]` expected after an element", mark or "end of file")
    else:
        window.take()
    if window.next_character():
        raise UnreadableText(Rule.READABLE, "something follows the end of the array", window.text)


class _Window:
    """The part of the file that is decoded and not consumed yet."""

    def __init__(self, file: BinaryIO) -> None:
        self.text = ""
        self._file = file
        self._decode = codecs.getincrementaldecoder("utf-8")().decode
        self._ended = False

    def next_character(self) -> str:
        """Return the next character that is not white space without consuming it; empty at the end of the file."""
        while not (rest := self.text.lstrip(" \t\r\n")) and not self._ended:
            self._fill()
        self.text = rest
        return rest[:1]

    def take(self) -> str:
        """Consume `next_character` and return it."""
        character = self.next_character()
        self.text = self.text[1:]
        return character

    def value(self) -> Any:
        """Consume the next JSON value and return it."""
        self.next_character()
        while True:
            try:
                value, end = DECODER.raw_decode(self.text)
                # A number at the window's end may continue in the next chunk.
                if end < len(self.text) or self._ended:
                    self.text = self.text[end:]
                    return value
            except RecursionError:
                raise too_deep() from None
            except json.JSONDecodeError as error:
                self._require_hope(error)
            self._fill()

    def _require_hope(self, error: json.JSONDecodeError) -> None:
        cut = error.msg.startswith("Unterminated string") or error.pos >= len(self.text) - TAIL
        if self._ended or not cut:
            raise UnreadableText(Rule.READABLE, f"broken JSON: {error.msg}", self.text[error.pos :]) from None
        if len(self.text) > LARGEST_ELEMENT:
            raise UnreadableText(Rule.LINE_LENGTH, f"longer than {LARGEST_ELEMENT:,} characters") from None

    def _fill(self) -> None:
        chunk = self._file.read(CHUNK)
        self._ended = not chunk
        try:
            self.text += self._decode(chunk, self._ended)
        except UnicodeDecodeError as error:
            raise UnreadableText(Rule.ENCODING, f"not UTF-8: {error.reason}") from None
