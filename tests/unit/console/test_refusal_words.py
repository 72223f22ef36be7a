"""Every refusal of a source that a clerk can meet has a Chinese sentence: what it is about, the rule, what to do."""

import ast
from collections.abc import Iterator

import pytest

from contracts.codes.item_checks import LABELS
from services.console.content.problems import MESSAGES
from services.console.upstream.refusal_words import RULES, SENTENCES, message_of, sentence_of
from tests.harness.county import REPOSITORY

SOURCES = ("shared/publishing", "shared/tokens/access.py", "services/catalog", "services/guides")
REFUSALS = {"Conflict", "NotAllowed", "NotFound", "PreconditionFailed", "PreconditionMissing", "Refused", "TooLarge"}
MAKES_SENTENCES = {"_missing"}
"""Functions whose results are raised."""


def sentence(node: ast.AST) -> str | None:
    """Return a text as the table has it, None for what is no text."""
    if isinstance(node, ast.JoinedStr):
        return "".join(str(one.value) if isinstance(one, ast.Constant) else "{}" for one in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def nodes() -> Iterator[ast.AST]:
    for place in SOURCES:
        path = REPOSITORY / place
        for file in [path] if path.is_file() else sorted(path.rglob("*.py")):
            yield from ast.walk(ast.parse(file.read_text(encoding="utf-8")))


def raised() -> dict[str, int]:
    """Return every sentence that the sources raise, with its line."""
    found: dict[str, int] = {}
    for node in nodes():
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


def rules() -> set[str]:
    """Return every rule that a source names in a violation."""
    named = {
        node.args[1].value
        for node in nodes()
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Violation" and len(node.args) > 1
        if isinstance(node.args[1], ast.Constant)
    }
    return {str(one) for one in named}


def test_every_sentence_that_a_source_raises_has_chinese_words_and_no_words_are_left_over() -> None:
    assert raised().keys() - SENTENCES.keys() == set()
    assert SENTENCES.keys() - raised().keys() == set()
    assert len(raised()) > 40


def test_every_rule_of_a_source_has_chinese_words() -> None:
    assert rules() - RULES.keys() - MESSAGES.keys() - LABELS.keys() == set()


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
    assert message_of("a_new_rule", "must be new") == "must be new"
    assert message_of("required", "缺少金额") == "缺少金额"
    assert message_of("required", "is required with a return") == RULES["required"]
