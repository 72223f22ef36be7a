"""The hall's windows and the finder's document, made from all items and guides that the kiosk shows. Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from contracts.base import Json
from services.channels.search import tokenizer
from services.channels.search.everyday_words import OFFERED, SYNONYMS

FLOOR = re.compile(r"(?:地下|负)?[一二三四五六七八九十\d]+(?:楼|层).*$")
NUMERALS = str.maketrans("一二三四五六七八九", "123456789")
MOST_NAMES = 8
"""Names of one item in the finder: its name, its short name, and keywords."""


@dataclass(slots=True)
class HallWindow:
    """One window at one place, with the items (code, name) that it takes."""

    no: str | None
    hours: str | None
    opening: Json | None
    phone: str | None
    items: list[tuple[str, str]] = field(default_factory=list)


@dataclass(slots=True)
class HallArea:
    """A floor or an area, as the end of the address names it; its windows in order."""

    name: str
    windows: list[HallWindow] = field(default_factory=list)


@dataclass(slots=True)
class Building:
    """The address without floor and area."""

    address: str
    areas: list[HallArea] = field(default_factory=list)


def buildings(guides: Iterable[Json], shown: frozenset[str]) -> list[Building]:
    """Return all windows by place, the building with most windows first. Only guides of items in `shown` count."""
    found: dict[tuple[str, str], dict[tuple[str | None, str | None], HallWindow]] = {}
    for guide in guides:
        if guide["code"] not in shown:
            continue
        for given in guide["windows"]:
            place = found.setdefault(_split_address(given["place"]), {})
            same = (given["no"], given["hours"])
            fresh = HallWindow(given["no"], given["hours"], given.get("opening"), given["phone"])
            window = place.setdefault(same, fresh)
            if (guide["code"], guide["name"]) not in window.items:
                window.items.append((guide["code"], guide["name"]))
    made: dict[str, Building] = {}
    for (address, area), windows in sorted(found.items(), key=lambda pair: _sort_key(pair[0][1])):
        in_order = sorted(windows.values(), key=lambda window: _sort_key(window.no or ""))
        made.setdefault(address, Building(address)).areas.append(HallArea(area, in_order))
    return sorted(made.values(), key=lambda building: -sum(len(area.windows) for area in building.areas))


def _split_address(address: str) -> tuple[str, str]:
    """`…政务服务中心一楼A区` → building, `一楼A区`."""
    floor = FLOOR.search(address)
    return (address, "") if floor is None or floor.start() == 0 else (address[: floor.start()], floor.group())


def _sort_key(text: str) -> list[str]:
    """Sort key: `二楼` before `三楼`, `9号` before `10号`."""
    return [part.zfill(6) if part.isdigit() else part for part in re.split(r"(\d+)", text.translate(NUMERALS))]


def finder(items: Iterable[Json]) -> Json:
    """Return what a browser needs to find an item by letters, without a server and without an input method.

    `items`: code, unit, themes, names, the names' syllables (`tokenizer.syllables`), and two facts in two languages.
    `common`: everyday words, their syllables and the official terms; only words that lead to an item.
    """
    rows = [_row(item) for item in items]
    text = "\n".join(name for row in rows for name in row["names"])
    common = [
        {"word": word, "sound": tokenizer.syllables(word), "means": list(SYNONYMS[word])}
        for word in OFFERED
        if any(meaning in text for meaning in (word, *SYNONYMS[word]))
    ]
    return {"items": rows, "common": common}


def _row(item: Json) -> Json:
    given = (item["name"], item["short_name"], *item["keywords"])
    names = [name for name in dict.fromkeys(given) if name][:MOST_NAMES]
    english = item.get("glance_en", {})
    facts = [[item["glance"][fact], english.get(fact)] for fact in ("how_long", "cost") if item["glance"][fact]]
    return {
        "code": item["code"],
        "unit": item["dept_name"],
        "themes": sorted({*item["person_themes"], *item["business_themes"]}),
        "names": names,
        "sounds": [tokenizer.syllables(name) for name in names],
        "facts": facts,
    }
