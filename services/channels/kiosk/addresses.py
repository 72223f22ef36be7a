"""Addresses of the hall's pages below `/kiosk/`, each with one spelling. None can contain text that a person typed."""

import re
from collections.abc import Iterator
from urllib.parse import parse_qsl

from services.channels.pages.listing import Browse
from services.channels.pages.routes import MOST_PAGES
from services.channels.search.directory import Facets, Listing
from services.channels.search.facets import SIDES, Filter, wanted
from services.channels.text.life_events import BY_CODE

HOME, BOARD, PROGRESS = "", "board", "progress"
FIXED = (HOME, "windows", BOARD, "search", PROGRESS, "browse/person", "browse/business", "browse/departments")
ITEM = re.compile(r"items/[0-9A-Za-z_-]{1,64}", re.ASCII)
LIST = re.compile(r"items(?:\?([!-~]{0,600}))?")
LONGEST = 700


def known(address: str, facets: Facets) -> bool:
    """Whether the address is one of the hall's pages; lists only with values that can be chosen there."""
    if address in FIXED or ITEM.fullmatch(address):
        return True
    asked = LIST.fullmatch(address)
    if asked is None:
        return False
    pairs = parse_qsl(asked.group(1) or "")
    chosen, _ = wanted(pairs)
    number = dict(pairs).get("page", "1")
    if not (number.isascii() and number.isdigit() and 1 <= int(number[:5]) <= MOST_PAGES):
        return False
    return chosen in list(choices(facets)) and address == listing(chosen, int(number[:5]))


def listing(chosen: Filter, number: int) -> str:
    """Return the address of one page of a list, as the page itself spells it."""
    return Browse("items", "", chosen, Listing([], 0), number, 1).page(number)


def choices(facets: Facets) -> Iterator[Filter]:
    """Yield every choice that the pages offer for a list."""
    yield Filter()
    for side in SIDES:
        yield Filter({"audience": (side,)})
        for theme, _ in getattr(facets, f"{side}_themes"):
            yield Filter({"audience": (side,), "theme": (theme,)})
    for department, _ in facets.departments:
        yield Filter({"department": (department,)})
    for event in BY_CODE:
        yield Filter({"event": (event,)})
