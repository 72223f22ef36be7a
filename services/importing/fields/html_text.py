"""Convert HTML that a portal's editor left in a cell to text: paragraphs, breaks and list entries become lines."""

import re
from html import unescape
from html.parser import HTMLParser

DEEPEST_ESCAPE = 3
"""Cells that were exported several times are escaped several times: `&amp;lt;p&amp;gt;`."""

_LINE_TAGS = "p|br|div|li|tr|table|tbody|thead|ul|ol|h[1-6]|section|article|blockquote|pre|hr|dl|dt|dd"
_INLINE_TAGS = "span|b|i|u|em|strong|font|a|img|sub|sup|small|td|th|o:p|center|script|style|iframe|video|colgroup|col|s"
_TAG = re.compile(rf"</?(?:{_LINE_TAGS}|{_INLINE_TAGS})(?:\s[^<>]*)?/?>", re.IGNORECASE)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_LINE = re.compile(rf"(?:{_LINE_TAGS})\Z")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#x[0-9a-f]{1,6}|[a-z][a-z0-9]{1,30});", re.IGNORECASE)
_SILENT = frozenset({"script", "style"})
_LOST = frozenset({"img", "iframe", "video"})


def has_markup(text: str) -> bool:
    """Return whether `text` contains a tag or a comment of HTML, or a character reference that ends in `;`."""
    return bool(_TAG.search(text) or "<!--" in text or _ENTITY.search(text))


def plain_text(text: str) -> tuple[str, list[str]]:
    """Return the text without markup, and what a reader of the page would have seen but text cannot show.

    A sign like `<` that is no tag stays. An address behind a word follows it in brackets.
    """
    lost: list[str] = []
    for _ in range(DEEPEST_ESCAPE):
        if not has_markup(text):
            break
        text = _COMMENT.sub("", text)
        if _TAG.search(text):
            text = _without_tags(text, lost)
        text = _ENTITY.sub(lambda found: unescape(found[0]), text)
    lines = (" ".join(line.replace("\xa0", " ").split()) for line in text.split("\n"))
    return "\n".join(line for line in lines if line), lost


def _without_tags(text: str, lost: list[str]) -> str:
    """Feed the parser tags only: everything else is text, also `a < b`."""
    reader, end = _Reader(lost), 0
    for found in _TAG.finditer(text):
        reader.text(text[end : found.start()])
        reader.feed(found[0])
        end = found.end()
    reader.text(text[end:])
    return "".join(reader.made)


class _Reader(HTMLParser):
    """Collects the visible text."""

    def __init__(self, lost: list[str]) -> None:
        super().__init__(convert_charrefs=False)
        self.made: list[str] = []
        self._lost = lost
        self._hidden = 0
        self._links: list[tuple[str, int]] = []

    def text(self, text: str) -> None:
        if not self._hidden:
            self.made.append(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden += tag in _SILENT
        if tag in _LOST:
            self._lost.append(f"<{tag}>")
        if tag == "a":
            self._links.append((dict(attrs).get("href") or "", len(self.made)))
        self._break(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _LOST:
            self._lost.append(f"<{tag}>")
        self._break(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT:
            self._hidden = max(0, self._hidden - 1)
        if tag == "a" and self._links:
            address, start = self._links.pop()
            if address.startswith(("http://", "https://")) and address not in "".join(self.made[start:]):
                self.made.append(f"（{address}）")
        self._break(tag)

    def _break(self, tag: str) -> None:
        if _LINE.match(tag):
            self.text("\n")
        elif tag in ("td", "th"):
            self.text(" ")
