"""Entries of before ADR 0042 stay readable and are shown as they were; unknown facts do not pass for statements.

`entries_before/adr-0042.jsonl`: bodies that the imports, editors and channels of then made of a few invented rows, each
with what every channel showed of it. A line is `key`, `lane`, `body` and `documents`, channel → RFC 8785 JSON or null.
"""

import json
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from contracts.content.guides import Guide
from contracts.content.items import Item
from contracts.content.unstated_facts import suspect_guide, suspect_item
from contracts.envelope.publication import Kind
from contracts.generators import documents
from services.channels.core.port import adapters
from shared.text.validation import body_of
from shared.transparency.canonical import canonical
from tests.harness.projecting import guide, item, published

FILE = Path(__file__).parent / "entries_before" / "adr-0042.jsonl"
CORRECTED = (
    ("2样：居民身份证申领登记表、居民户口簿", "1样：居民户口簿。居民身份证申领登记表在窗口打印或者填写，不用带"),
    ('"bring":"2 things"', '"bring":"1 thing; forms are made out at the window"'),
    ('"必要 · 原件 1份 · 纸质/电子化"', '"必要 · 原件 1份 · 纸质/电子化 · 在窗口打印或者填写，不用带"'),
    (
        '"required · original × 1 · on paper or electronic"',
        '"required · original × 1 · on paper or electronic · made out at the window, not to be brought"',
    ),
)
"""What channels said wrongly of the form that the window prints, and since ADR 0072 say rightly: in one guide, once."""
PRINTED = "由户政窗口打印"
MODELS = {Kind.ITEM: Item, Kind.GUIDE: Guide}


@cache
def entries() -> list[dict[str, Any]]:
    return [json.loads(line) for line in FILE.read_text(encoding="utf-8").splitlines()]


def kind_of(entry: dict[str, Any]) -> Kind:
    return Kind(entry["key"].partition(":")[0])


every_entry = pytest.mark.parametrize("entry", entries(), ids=[one["key"] for one in entries()])


@every_entry
@pytest.mark.parametrize("channel", sorted(adapters()))
def test_an_entry_of_before_is_shown_byte_for_byte_as_it_was(entry: dict[str, Any], channel: str) -> None:
    publication = published(entry["key"], entry["body"], lane=entry["lane"])

    document = adapters()[channel].project(publication)

    assert (document and canonical(document).decode()) == corrected(entry["documents"][channel])


def corrected(shown: str | None) -> str | None:
    for wrong, right in CORRECTED if shown and PRINTED in shown else ():
        shown = shown.replace(wrong, right, 1)
    return shown


@every_entry
def test_a_body_of_before_says_today_what_it_said_then(entry: dict[str, Any]) -> None:
    """Read and written again it is the same body: its digest holds."""
    read = MODELS[kind_of(entry)].model_validate(entry["body"])

    assert body_of(read) == entry["body"]


@every_entry
def test_what_an_import_of_before_filled_in_is_suspect_and_what_an_editor_wrote_is_not_asked(
    entry: dict[str, Any],
) -> None:
    body = entry["body"]
    found = suspect_item(Item(**body)) if kind_of(entry) == Kind.ITEM else suspect_guide(Guide(**body))

    expected = {
        "item:11440232MB0000019Y4000117000003": {"dept_type", "project_type", "is_schedule", "is_express"},
        "guide:11440232MB0000019Y4000117000003": {"materials.is_need", "materials.copies", "materials.material_type"},
        "guide:11440232MB0000019Y4000117000005": {"guide"},
        "guide:11440232MB0000019Y4000117000006": {"materials.is_need", "materials.source_type"},
        "item:11440232MB0000019Y4000117000006": {"is_entry_center", "is_service_terminals"},
    }
    assert expected.get(entry["key"], set()) <= set(found)


def data_schema(name: str) -> dict[str, Any]:
    """The released schema of a body, from the event that carries it."""
    schema = deepcopy(documents.released()[f"sources/tongyuan.{name}.released"])
    return {"$defs": schema["$defs"], "$ref": f"#/$defs/{name.title()}"}


UNKNOWN_ITEM = {
    "dept_type", "project_type", "is_entry_center", "is_online", "is_schedule", "is_pay_online", "is_express",
    "is_service_terminals",
}  # fmt: skip
UNKNOWN_MATERIAL = {"is_need", "tolerable", "material_type", "material_format", "copies", "source_type"}


def test_a_reader_of_before_refuses_an_unknown_fact_of_an_item_instead_of_taking_it_for_a_statement() -> None:
    errors = jsonschema.Draft202012Validator(data_schema("item")).iter_errors(body_of(item()))

    assert {error.path[-1] for error in errors} == UNKNOWN_ITEM


def test_a_reader_of_before_refuses_an_unknown_fact_of_a_material_or_a_fee() -> None:
    body = body_of(guide(materials=[{"material_name": "照片"}], fees=[{"fee_name": "工本费", "fee_stand": "20元"}]))
    errors = jsonschema.Draft202012Validator(data_schema("guide")).iter_errors(body)

    assert {error.path[-1] for error in errors} == {*UNKNOWN_MATERIAL, "is_desc"}


def test_a_reader_of_before_reads_what_is_wholly_stated() -> None:
    stated = {name: True for name in UNKNOWN_ITEM if name.startswith("is_")} | {"dept_type": "1", "project_type": "2"}

    jsonschema.Draft202012Validator(data_schema("item")).validate(body_of(item(**stated)))


def test_an_unknown_list_is_left_out_of_a_body_which_every_reader_takes_for_empty() -> None:
    body = body_of(item())

    assert not {"handle_type", "online_handle_depth"} & body.keys()
    assert "materials" not in body_of(guide())


def test_a_body_with_unknown_facts_comes_back_as_it_was() -> None:
    one = guide(materials=[{"material_name": "照片", "copies": 2}])

    assert Guide.model_validate(body_of(one)) == one
    assert Item.model_validate(body_of(item())) == item()
