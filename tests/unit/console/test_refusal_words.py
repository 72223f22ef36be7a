"""Every refusal of a source that a clerk can meet has a Chinese sentence: what it is about, the rule, what to do."""

import ast
import re
from collections.abc import Iterator, Sequence

import pytest

from contracts.codes.item_checks import LABELS
from services.console.content.problems import MESSAGES
from services.console.upstream.refusal_words import LEDGER_RULES, RULES, SENTENCES, message_of, sentence_of
from services.importing.jobs.refusals_zh import bilingual
from tests.harness.county import REPOSITORY

SOURCES = ("shared/publishing", "shared/tokens/access.py", "services/catalog", "services/guides")
LEDGER = ("services/ledger",)
OF_COMMANDS = ("services/ledger/signing/signed_head_store.py",)
"""What only commands of operators raise, in a terminal."""

IMPORTING = ("services/importing/jobs", "services/importing/engine", "services/importing/commands.py")
IMPORTING += ("services/importing/api.py", "services/importing/upload_route.py")
FROM_OUTSIDE = {"{}: {}", "{}"}
"""A sentence of a source that importing passes on."""

REFUSALS = {"Conflict", "NotAllowed", "NotFound", "PreconditionFailed", "PreconditionMissing", "Refused", "TooLarge"}
MAKES_SENTENCES = {"_missing"}
"""Functions whose results are raised."""


def sentence(node: ast.AST) -> str | None:
    """Return a text as the table has it, None for what is no text."""
    if isinstance(node, ast.JoinedStr):
        return "".join(str(one.value) if isinstance(one, ast.Constant) else "{}" for one in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def nodes(places: Sequence[str]) -> Iterator[ast.AST]:
    for place in places:
        path = REPOSITORY / place
        for file in [path] if path.is_file() else sorted(path.rglob("*.py")):
            if file.relative_to(REPOSITORY).as_posix() not in OF_COMMANDS:
                yield from ast.walk(ast.parse(file.read_text(encoding="utf-8")))


def raised() -> dict[str, int]:
    """Return every sentence that sources and ledger raise, with its line."""
    found: dict[str, int] = {}
    for node in nodes((*SOURCES, *LEDGER)):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in REFUSALS and node.args:
            text = sentence(node.args[0])
            called = getattr(getattr(node.args[0], "func", None), "id", "")
            assert text is not None or called in MAKES_SENTENCES, f"line {node.lineno}: a sentence without words"
            if text is not None:
                found[text] = node.lineno
        if isinstance(node, ast.FunctionDef) and node.name in MAKES_SENTENCES:
            texts = [sentence(one.value) for one in ast.walk(node) if isinstance(one, ast.Return) and one.value]
            found |= {text: node.lineno for text in texts if text}
    return found


def rules(places: Sequence[str]) -> set[str]:
    """Return every rule that is named in a violation."""
    named = {
        node.args[1].value
        for node in nodes(places)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Violation" and len(node.args) > 1
        if isinstance(node.args[1], ast.Constant)
    }
    return {str(one) for one in named}


def test_every_sentence_that_a_source_raises_has_chinese_words_and_no_words_are_left_over() -> None:
    assert raised().keys() - SENTENCES.keys() == set()
    assert SENTENCES.keys() - raised().keys() == set()
    assert len(raised()) > 40


def test_every_rule_of_a_source_has_chinese_words() -> None:
    assert rules(SOURCES) - RULES.keys() - MESSAGES.keys() - LABELS.keys() == set()


def test_every_rule_of_the_ledger_has_chinese_words_and_no_words_are_left_over() -> None:
    assert rules(LEDGER) == LEDGER_RULES.keys()


def said_by_importing() -> Iterator[str]:
    """Yield every sentence and every message of a violation that importing writes itself."""
    for node in nodes(IMPORTING):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        name = getattr(node.func, "id", "")
        place = 0 if name in {*REFUSALS, "NoRoom", "UpstreamDown"} else 2 if name == "Violation" else None
        text = None if place is None or len(node.args) <= place else sentence(node.args[place])
        if text is not None and text not in FROM_OUTSIDE:
            yield text


def test_importing_says_every_refusal_in_chinese_and_the_desk_shows_that_part() -> None:
    found = list(said_by_importing())
    assert len(found) > 20
    for text in found:
        shown = sentence_of(text.replace("{}", "甲"))
        assert any("一" <= one <= "鿿" for one in shown), text
        assert not re.search("[a-z]{3} [a-z]{2}", shown), shown


@pytest.mark.parametrize("text", ["没有第7号任务 (there is no job 7)", "catalog没有应答 (no answer: refused (111))"])
def test_of_a_sentence_in_both_languages_the_chinese_part_is_shown(text: str) -> None:
    assert sentence_of(text) == text.partition(" (")[0]
    assert message_of("importing", "known", text) == text.partition(" (")[0]


def test_what_follows_both_languages_stays() -> None:
    told = "五关还没有全部通过，什么都没有改 (gates are open, nothing was changed): 法律关"
    assert sentence_of(told) == "五关还没有全部通过，什么都没有改: 法律关"
    assert sentence_of("字段（x）不对") == "字段（x）不对"


@pytest.mark.parametrize(
    "text",
    [
        "list.csv: 7,000,000 bytes, at most 6,000,000 are read: split the file",
        "mapping.yaml: the mapping does not exist",
        "a.csv: the file with the materials does not exist",
        "there is no visible sheet 表一",
    ],
)
def test_what_is_wrong_with_a_file_is_told_in_chinese(text: str) -> None:
    assert "一" <= sentence_of(bilingual(text))[0] <= "鿿"


@pytest.mark.parametrize("text", SENTENCES)
def test_a_sentence_is_told_in_chinese_with_everything_that_it_names(text: str) -> None:
    told = sentence_of(text.format(*(f"name{number}" for number in range(text.count("{}")))))

    assert told != text
    assert all(f"name{number}" in told for number in range(9) if f"{{{number}}}" in SENTENCES[text])
    assert not any(word in told for word in (" is ", " the ", "{", "}"))
    assert any("一" <= one <= "鿿" for one in told)


def test_words_of_the_source_within_a_sentence_are_told_too() -> None:
    assert "已暂停" in sentence_of("x is suspended already: there is nothing to suspend")
    assert "“发布、值班负责人”" in sentence_of("an needs the role releaser or duty_officer for this")


def test_what_a_newer_source_says_stays_as_it_is() -> None:
    assert sentence_of("a new sentence") == "a new sentence"
    assert message_of("catalog", "a_new_rule", "must be new") == "must be new"
    assert message_of("catalog", "required", "缺少金额") == "缺少金额"
    assert message_of("catalog", "required", "is required with a return") == RULES["required"]
