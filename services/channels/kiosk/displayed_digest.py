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

WHITESPACE = re.compile(r"[ \t\n\f\r]+")
VOID_ELEMENTS = frozenset({"br", "hr", "img", "input", "link", "meta", "wbr"})
EXCLUDED_ATTRIBUTE = "data-keep"


class _TextExtractor(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.text: list[str] = []
        self._depth = 0
        self._excluded = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in VOID_ELEMENTS or not (self._depth or tag == "main"):
            return
        self._depth += 1
        if self._excluded or any(name == EXCLUDED_ATTRIBUTE for name, _ in attrs):
            self._excluded += 1

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Ignore `<path/>`: it has no content."""

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID_ELEMENTS:
            self._depth = max(0, self._depth - 1)
            self._excluded = max(0, self._excluded - 1)

    def handle_data(self, data: str) -> None:
        if self._depth and not self._excluded:
            self.text.append(data)


def digest_of(html: str) -> str:
    """Return the digest of one of our pages, in which every element is closed."""
    reader = _TextExtractor()
    reader.feed(html)
    reader.close()
    return hashlib.sha256(WHITESPACE.sub(" ", "".join(reader.text)).strip(" ").encode()).hexdigest()
