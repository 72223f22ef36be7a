"""Parse pages for comparison: the source marks, and the content of `<main>` without differences in white space."""

from html.parser import HTMLParser

from contracts.base import Json

MARK = ("data-key", "data-version", "data-position", "data-digest")
VOID = frozenset({"br", "hr", "img", "input", "link", "meta", "wbr"})
SEPARATE = "\x00"


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.marks: list[dict[str, str]] = []
        self.main: list[str] = []
        self._depth = 0
        self._text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if MARK[0] in values:
            self.marks.append({name.removeprefix("data-"): values.get(name, "") for name in MARK})
        if self._depth or tag == "main":
            self._flush()
            said = SEPARATE.join(f"{name}={' '.join(value.split())}" for name, value in sorted(values.items()))
            self.main.append(f"<{tag} {said}>")
            self._depth += tag not in VOID

    def handle_endtag(self, tag: str) -> None:
        if self._depth and tag not in VOID:
            self._flush()
            self.main.append(f"</{tag}>")
            self._depth -= 1

    def handle_data(self, data: str) -> None:
        if self._depth:
            self._text.append(data)

    def close(self) -> None:
        super().close()
        self._flush()

    def _flush(self) -> None:
        text = " ".join("".join(self._text).split())
        self._text = []
        if text:
            self.main.append(text)


def seen(html: str) -> Json:
    """Return `marks`, the source of each marked element, and `main`, its tags with attributes and its texts in order.

    Pages that differ only in white space give the same result. A page without marks and `<main>` gives empty lists.
    """
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return {"marks": reader.marks, "main": reader.main}
