"""A digest of the text that a page of the hall displays, computed alike by the server and the screen.

    text = the text nodes of <main> in order, without those inside an element that has `data-keep`;
           each run of space, tab, line feed, form feed and carriage return one space, none at the ends
    digest = hex SHA-256 of its UTF-8

`static/glass.js` is the other implementation. Language, size and contrast do not affect the text, and scripts write
only into elements with `data-keep`, so every screen that shows the same page has the same digest.
"""

import hashlib
import re
from html.parser import HTMLParser

BLANK = re.compile(r"[ \t\n\f\r]+")
VOID = frozenset({"br", "hr", "img", "input", "link", "meta", "wbr"})
KEPT = "data-keep"


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.text: list[str] = []
        self._inside = 0
        self._kept = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in VOID or not (self._inside or tag == "main"):
            return
        self._inside += 1
        if self._kept or any(name == KEPT for name, _ in attrs):
            self._kept += 1

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Ignore `<path/>`: it has no content."""

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            self._inside = max(0, self._inside - 1)
            self._kept = max(0, self._kept - 1)

    def handle_data(self, data: str) -> None:
        if self._inside and not self._kept:
            self.text.append(data)


def digest_of(html: str) -> str:
    """Return the digest of one of our pages, in which every element is closed."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return hashlib.sha256(BLANK.sub(" ", "".join(reader.text)).strip(" ").encode()).hexdigest()
