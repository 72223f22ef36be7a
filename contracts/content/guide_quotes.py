"""What a guide quotes that other guides quote as well: windows, prices of fees, telephone numbers. Pure.

Guides that quote the same thing differently are a finding and never a refusal: each has an owner of its own.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from contracts.base import Json
from contracts.content.fact_pairs import yuan
from contracts.content.item_and_guide import compact

LEAST_DIGITS = 7
"""Shorter telephone numbers, such as 12345 and 110, are everybody's."""

NUMBER = re.compile(r"\d[\d-]*\d")


class QuotedFact(StrEnum):
    """What is quoted."""

    WINDOW_PHONE = "window phone"
    WINDOW_HOURS = "window hours"
    FEE = "fee"
    PHONE = "phone"


@dataclass(frozen=True, slots=True)
class Quote:
    """One quotation: `what` is named, such as a window, and `value` said of it. `field`: path in the guide."""

    fact: QuotedFact
    what: str
    value: str
    field: str


def quotes(body: Json) -> Iterator[Quote]:
    """Yield what a guide's body quotes; a body of an older form yields what can be read."""
    yield from _windows(body.get("windows") or ())
    for index, fee in enumerate(body.get("fees") or ()):
        if fee.get("amount_fen") is not None and fee.get("fee_name"):
            name = compact(fee["fee_name"])
            yield Quote(QuotedFact.FEE, name, yuan(fee["amount_fen"]), f"fees.{index}.amount_fen")
    yield from _offices(body)


def _windows(windows: Iterable[Json]) -> Iterator[Quote]:
    for index, one in enumerate(windows):
        place = f"{one.get('address') or ''} {one.get('window_no') or ''}".strip()
        if one.get("phone"):
            yield Quote(QuotedFact.WINDOW_PHONE, place, compact(one["phone"]), f"windows.{index}.phone")
        if one.get("hours"):
            yield Quote(QuotedFact.WINDOW_HOURS, place, compact(one["hours"]), f"windows.{index}.hours")


def _offices(body: Json) -> Iterator[Quote]:
    """A number for questions that belongs to two offices is wrong for one of them."""
    for number in NUMBER.findall(unicodedata.normalize("NFKC", body.get("link_way") or "")):
        if len(digits := number.replace("-", "")) >= LEAST_DIGITS:
            yield Quote(QuotedFact.PHONE, digits, body.get("dept_name") or "", "link_way")
