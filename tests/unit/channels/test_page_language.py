"""A page in English says of every Chinese text that it is Chinese, and the large print leaves out no fact."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from services.channels.core.port import adapters
from tests.harness.projecting import CODE
from tests.harness.shelf import PAIR
from tests.unit.channels.test_pages import ask, browser, stocked

ROOT = Path(__file__).parents[3]
VOID = {"meta", "link", "input", "br", "img", "hr", "source", "path"}
HAN = re.compile(r"[\u3400-\u9fff]")
PAGES = ("", "items", "items?event=papers", f"items/{CODE}", "search?q=身份证", "search?q=zzzz", "progress", "items/1")
PAGES_OF = {"web": (f"items/{CODE}/changes", f"items/{CODE}/feedback"), "kiosk": ("windows", "browse/person", "board")}
TEMPLATES = sorted((ROOT / "services").rglob("templates/*.html"))


class Languages(HTMLParser):
    """Texts of a page with the language that holds for them, when the page's own is English."""

    def __init__(self) -> None:
        super().__init__()
        self._open: list[tuple[str, str]] = []
        self.texts: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs).get("lang")
        inherited = self._open[-1][1] if self._open else ""
        if tag not in VOID:
            self._open.append((tag, "en" if tag == "html" else said or inherited))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An SVG part without content."""

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1][0] not in ("script", "style"):
            self.texts.append((self._open[-1][1], data.strip()))


def texts(page: str) -> list[tuple[str, str]]:
    reader = Languages()
    reader.feed(page)
    return reader.texts


@pytest.mark.parametrize("channel", sorted(adapters()))
def test_chinese_in_an_english_page_is_marked_as_chinese(channel, tmp_path):
    client = browser(channel, stocked(channel, tmp_path))
    answers = [client.get(f"/{channel}/{path}") for path in (*PAGES, *PAGES_OF.get(channel, ()))]
    answers += [ask(client, channel, *PAIR), ask(client, channel, PAIR[0], "WRONG")]

    said = [text for answer in answers for text in texts(answer.text)]

    assert sum(bool(HAN.search(text)) for _, text in said) > 100
    assert [text for language, text in said if HAN.search(text) and not language.startswith("zh")] == []
    assert [text for language, text in said if language == "en" and HAN.search(text)] == []


@pytest.mark.parametrize("template", TEMPLATES, ids=[f"{one.parents[1].name}/{one.name}" for one in TEMPLATES])
def test_the_large_print_leaves_out_no_fact_no_contact_and_no_way_on(template):
    left_out = re.findall(
        r'<(\w+)[^>]*class="[^"]*\bextra\b[^"]*"[^>]*>(.*?)</\1>', template.read_text("utf-8"), re.DOTALL
    )

    assert [
        inside for _, inside in left_out if re.search(r"<a |<dl|<ol|<form|guide\.|case\.|item\.|material\.", inside)
    ] == []
