"""Reads and sends the forms of a page as a browser without scripts does."""

from html.parser import HTMLParser
from typing import Any


class Form(HTMLParser):
    """The fields of the form with this id or action, and the messages beside them."""

    def __init__(self, html: str, mark: str) -> None:
        super().__init__()
        self.fields: list[tuple[str, str]] = []
        self._mark, self._inside, self._area, self._select = mark, False, "", ""
        self._text: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._inside = self._mark in (given.get("id"), given.get("action"))
        if not self._inside:
            return
        name = given.get("name", "")
        if tag == "input" and name:
            if given.get("type") not in ("checkbox", "radio") or "checked" in given:
                self.fields.append((name, given.get("value", "")))
        elif tag == "textarea":
            self._area, self._text = name, []
        elif tag == "select":
            self._select = name
            self.fields.append((name, ""))
        elif tag == "option" and "selected" in given:
            self.fields[-1] = (self._select, given.get("value", ""))

    def handle_data(self, data: str) -> None:
        if self._area:
            self._text.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False
        elif tag == "textarea" and self._area:
            text = "".join(self._text)
            self.fields.append((self._area, text.removeprefix("\n")))
            self._area = ""
        elif tag == "select":
            self._select = ""

    def sent(self, act: str, **changes: Any) -> dict[str, list[str]]:
        """Return what is sent when the button `act` is pressed, with other values in some fields (None: unchecked)."""
        made: dict[str, list[str]] = {}
        for name, value in self.fields:
            made.setdefault(name, []).append(value)
        for name, value in changes.items():
            made[name] = [] if value is None else value if isinstance(value, list) else [value]
        return {**made, "act": [act]}
