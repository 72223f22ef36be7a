"""Reads the demonstration's content from the files beside it into the contracts' models."""

import json
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, TypeVar

from contracts.base import Contract
from contracts.catalog import DirectoryRow, Item
from contracts.guides import Guide
from services.demo.model import BlankForm, Calendars, County, DemoCase

Model = TypeVar("Model", bound=Contract)

FORMS_PATH = "/demo/forms/"
CALENDAR_YEARS = (2026, 2027)


@cache
def county() -> County:
    """云溪县, its hall and its departments."""
    return County.model_validate(_load("county.json"))


def directory() -> list[DirectoryRow]:
    """The 基本目录: every row that the county's items claim, and some that it has not claimed yet."""
    return _many(DirectoryRow, "directory.json")


def items() -> list[Item]:
    """The service items (实施清单), in the order of the departments."""
    return _many(Item, "items.json")


def guides() -> list[Guide]:
    """One guide an item, in the same order, with the same code."""
    return _many(Guide, "guides.json")


def calendars() -> Calendars:
    """Holiday notices by year. 2027 holds the statutory days alone: its notice was not out."""
    return {year: _load(f"calendar-{year}.json") for year in CALENDAR_YEARS}


def cases() -> list[DemoCase]:
    """Invented cases, each with the script of one round."""
    return _many(DemoCase, "cases.json")


def forms() -> dict[str, BlankForm]:
    """The blank forms by the path under which the guides link to them."""
    pages = (page for page in _folder().joinpath("forms").iterdir() if page.name.endswith(".html"))
    blanks = (BlankForm(path=FORMS_PATH + page.name, html=page.read_text(encoding="utf-8")) for page in pages)
    return {blank.path: blank for blank in blanks}


def _many(model: type[Model], name: str) -> list[Model]:
    return [model.model_validate(row) for row in _load(name)]


def _load(name: str) -> Any:
    return json.loads(_folder().joinpath(name).read_text(encoding="utf-8"))


def _folder() -> Traversable:
    return files("services.demo").joinpath("content")
