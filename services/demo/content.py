"""Load the demonstration's content from the files in this folder into the contracts' models."""

import json
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, TypeVar

from contracts.base import Contract
from contracts.content.guides import Guide
from contracts.content.items import DirectoryRow, Item
from services.demo.model import BlankForm, Calendars, DemoCase, DemoCounty, DemoFile

Model = TypeVar("Model", bound=Contract)

FORMS_PATH = "/demo/forms/"
CALENDAR_YEARS = (2026, 2027)


@cache
def county() -> DemoCounty:
    """云溪县, its hall and its departments."""
    return DemoCounty.model_validate(_load("county.json"))


def directory() -> list[DirectoryRow]:
    """The 基本目录: every row that the county's items use, and some that it does not use yet."""
    return _many(DirectoryRow, "directory.json")


def items() -> list[Item]:
    """The service items (实施清单), in the order of the departments."""
    return _many(Item, "items.json")


def guides() -> list[Guide]:
    """One guide per item, in the same order, with the same code."""
    return _many(Guide, "guides.json")


def calendars() -> Calendars:
    """Holiday notices by year. 2027 has the statutory days only, because its notice was not published yet."""
    return {year: _load(f"calendar-{year}.json") for year in CALENDAR_YEARS}


def cases() -> list[DemoCase]:
    """Fictional cases, each with the script of one round."""
    return _many(DemoCase, "cases.json")


def forms() -> dict[str, BlankForm]:
    """The blank forms by the path in the guides' links."""
    pages = (page for page in _folder().joinpath("forms").iterdir() if page.name.endswith(".html"))
    blanks = (BlankForm(path=FORMS_PATH + page.name, html=page.read_text(encoding="utf-8")) for page in pages)
    return {blank.path: blank for blank in blanks}


def form_files() -> list[tuple[DemoFile, bytes]]:
    """Forms and samples that the county hands out itself, with their bytes."""
    return [(one, _folder().joinpath("files", one.file).read_bytes()) for one in _many(DemoFile, "files.json")]


def _many(model: type[Model], name: str) -> list[Model]:
    return [model.model_validate(row) for row in _load(name)]


def _load(name: str) -> Any:
    return json.loads(_folder().joinpath(name).read_text(encoding="utf-8"))


def _folder() -> Traversable:
    return files("services.demo").joinpath("content")
