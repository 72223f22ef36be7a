"""Refuse a body that states one fact in two ways (`contracts.content.fact_pairs`); an import leaves out one of both."""

from typing import Any

from contracts.base import Json
from contracts.content.fact_pairs import RULE, TwiceTold, contradictions, unreadable, without_contradictions
from contracts.content.guides import Guide
from contracts.content.items import Item
from shared.errors import Invalid, Violation


def require_one_fact(content: Item | Guide) -> None:
    """Raises `Invalid` naming both fields and both values of every contradiction."""
    if found := contradictions(content):
        raise Invalid(*(Violation(pair.words, RULE, pair.message, pair.said) for pair in found))


def unread_words(content: Item | Guide) -> list[Json]:
    """Return a finding for words that state a figure beside a field and cannot be compared with it."""
    return [_finding(pair, pair.message) for pair in unreadable(content)]


def left_out(content: Item | Guide, body: Json) -> tuple[Json | None, list[Json]]:
    """Return the body without the optional half of each contradiction, and a finding for each; None if there are none.

    An import does not lose a row for it: the words go, or the figure where the words must be there.
    """
    found = contradictions(content)
    if not found:
        return None, []
    return without_contradictions(body, found), [
        _finding(pair, f"{pair.message}; {pair.optional} was left out") for pair in found
    ]


def _finding(pair: TwiceTold, message: str) -> dict[str, Any]:
    return {"check": RULE, "field": pair.words, "message": message, "value": pair.said}
