"""No code that its table does not have gets in by any door, and none that an earlier version let in fails a reader."""

from typing import Any, get_args, get_origin

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel
from sqlalchemy import text

from contracts.base import Contract
from contracts.codes.coded_fields import unknown_codes
from contracts.codes.tables import TABLES
from contracts.content.guides import Material
from contracts.content.intake import HallMessage
from contracts.content.items import DirectoryRow, Item
from contracts.kinds import KINDS
from services.applications.lifecycle.definitions import LegalLimits
from services.applications.lifecycle.opening import Opening
from services.catalog.commands import ItemImport
from services.channels.core.port import adapters
from services.channels.web.version_changes import changes
from shared.errors import Invalid
from shared.publishing import editions
from shared.publishing.imports.answer import Fate
from shared.publishing.imports.request import ImportRequest
from tests.harness.actors import TESTER
from tests.harness.county_cases import CODE, ITEM, hall
from tests.harness.county_cases import County as Cases
from tests.harness.pipeline import ADMIN, code_of, guide, item, pipeline
from tests.harness.projecting import of_guide, of_item
from tests.harness.shelf import Shelf
from tests.unit.channels.test_pages import browser

EDITOR = {"Authorization": f"Bearer {ADMIN}"}
MATERIAL = {"material_name": "申请表"}
MORE_PAGES = ("board", "windows", "browse/theme", "browse/depth", "feed.atom", "sitemap.xml")
"""Of some channels; the others have none."""

SHAPED = {"task_type": "77", "use_level": "9"}
"""An unknown code of a field whose form the contract fixes too; `use_level` is refused by its form already."""


def coded_fields(model):
    """Field → table, of this contract alone."""
    return dict(getattr(model, "CODED", {}))


coded = [(Item, name) for name in coded_fields(Item)]
coded += [(Material, name) for name in coded_fields(Material)]
every_coded_field = pytest.mark.parametrize(
    ("model", "name"), coded, ids=[f"{one.__name__}.{name}" for one, name in coded]
)


@pytest.fixture(scope="module")
def county(tmp_path_factory):
    with pipeline(tmp_path_factory.mktemp("county"), channels=("web",)) as made:
        yield made


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    made = Cases.embedded(tmp_path_factory.mktemp("cases"))
    yield made
    made.close()


def unknown(model: type[BaseModel], name: str) -> Any:
    """A value of the field that has the form of one, in a code that no table has."""
    code = SHAPED.get(name, "工作日")
    return [code] if is_list(model, name) else code


def is_list(model: type[BaseModel], name: str) -> bool:
    annotation = model.model_fields[name].annotation
    return list in (get_origin(annotation), *map(get_origin, get_args(annotation)))


def place(model: type[BaseModel], name: str) -> str:
    """The field as an answer names it."""
    of = f"{name}.0" if is_list(model, name) else name
    return f"materials.0.{of}" if model is Material else of


def body_with(model: type[BaseModel], name: str) -> dict[str, Any]:
    """A body of an acceptable item or guide but for this one code."""
    wrong = {name: unknown(model, name)}
    if model is Material:
        return guide(materials=[MATERIAL]).model_dump(mode="json", exclude_none=True) | {
            "materials": [MATERIAL | wrong]
        }
    return item().model_dump(mode="json", exclude_none=True) | wrong


def rule_of(name: str) -> str:
    return "string_pattern_mismatch" if name == "use_level" else "code_table"


def contracts() -> list[type[BaseModel]]:
    """Every contract that a body of any kind is made of."""
    return [*(entry.body for entry in KINDS.values()), Material, DirectoryRow, HallMessage, Opening]


# What is a code


@pytest.mark.parametrize("model", contracts(), ids=lambda one: one.__name__)
def test_every_field_that_a_code_table_explains_is_said_to_be_a_code(model):
    explained = {name for name, info in model.model_fields.items() if name in TABLES and bool not in deep(info)}

    assert explained <= coded_fields(model).keys()
    assert set(coded_fields(model).values()) <= TABLES.keys()


def deep(info) -> list[Any]:
    return [info.annotation, *get_args(info.annotation)]


# Doors


@every_coded_field
def test_a_draft_with_an_unknown_code_is_refused_with_field_rule_and_remedy(county, model, name):
    service, kind = ("guides", "guides") if model is Material else ("catalog", "items")

    answer = county.http.put(f"/{service}/v1/{kind}/{code_of(1)}", json=body_with(model, name), headers=EDITOR)

    assert answer.status_code == 422
    (one,) = [error for error in answer.json()["errors"] if error["field"] == place(model, name)]
    assert one["rule"] == rule_of(name)
    if name != "use_level":
        assert all(word in one["message"] for word in (f"table {name}", "write ", "or leave the field out"))


@every_coded_field
def test_a_row_of_an_import_with_an_unknown_code_is_rejected_by_itself(county, model, name):
    good = (guide(2) if model is Material else item(2)).model_dump(mode="json", exclude_none=True)
    command = county.guides.import_guides if model is Material else county.catalog.import_items
    request = ImportRequest if model is Material else ItemImport

    outcome = command(TESTER, request(rows=[body_with(model, name), good]))

    fates = {one.code: one.fate for one in outcome.entries}
    assert (fates[code_of(1)], fates[code_of(2)] == Fate.REJECTED) == (Fate.REJECTED, False)
    found = {one["field"]: one for one in outcome.rejected}[place(model, name)]
    assert (found["rule"], bool(found["value"])) == (rule_of(name), True)


@every_coded_field
def test_a_draft_that_an_earlier_version_took_is_not_released(county, model, name):
    source = county.guides if model is Material else county.catalog
    release = source.release_guide if model is Material else source.release_item
    body = body_with(model, name)
    with source.db.write() as session:
        session.execute(text("DELETE FROM edition"))
        editions.save(session, source.who, TESTER, code_of(1), body, None)

    with pytest.raises(Invalid) as refused:
        release(TESTER, code_of(1), editions.Period(), None)

    assert place(model, name) in [one.field for one in refused.value.violations]


def test_a_row_of_the_directory_at_an_unknown_level_is_refused(county):
    row = {"catalog_code": "000709901000", "task_name": "甲", "task_type": "07", "use_level": ["4", "县级"]}

    answer = county.http.put("/catalog/v1/directory", json=[row], headers=EDITOR)

    assert answer.status_code == 422
    assert [(one["field"], one["rule"]) for one in answer.json()["errors"]] == [("use_level.1", "code_table")]


@pytest.mark.parametrize("field", ["task_type"])
def test_a_message_of_a_hall_with_an_unknown_code_is_refused(cases, field):
    (refusal,) = cases.take(hall("jj", 12, item_code=ITEM, query_code=CODE, **{field: "77"}))

    assert all(word in refusal.reason for word in (field, "code_table", "行政许可"))


def test_a_case_is_not_opened_with_an_unknown_type_of_item(cases):
    with pytest.raises(Invalid) as refused:
        cases.cases.open_case(TESTER, {"item_code": ITEM, "promise_day": 5, "task_type": "77"})

    assert [(one.field, one.rule) for one in refused.value.violations] == [("task_type", "code_table")]


# Readers


codes = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=6)


def any_value(model: type[BaseModel], name: str) -> st.SearchStrategy[Any]:
    known = {"task_type": st.from_regex(r"[0-9]{2}", fullmatch=True), "use_level": st.sampled_from("123456")}
    one = known.get(name, codes.filter(str.strip))
    return st.lists(one, max_size=3) if is_list(model, name) else one


def any_body(model: type[Contract]) -> st.SearchStrategy[dict[str, Any]]:
    """Values of all coded fields, such as an earlier version released."""
    return st.fixed_dictionaries({name: any_value(model, name) for name in coded_fields(model)})


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(any_body(Item), any_body(Material), st.booleans(), st.none() | st.integers(0, 20))
def test_every_channel_shows_what_an_earlier_version_released(tmp_path_factory, facts, material, online, days):
    one = Item.model_validate(
        item().model_dump() | facts | {"is_online": online, "promise_day": days, "anticipate_day": days}
    )
    its_guide = guide(materials=[MATERIAL | material])
    for channel, adapter in adapters().items():
        shelf = Shelf(channel, tmp_path_factory.mktemp(channel), [of_item(one), of_guide(its_guide)])
        client = browser(channel, shelf)
        paths = [f"items/{one.code}", "items", "search?q=居民身份证", "", *MORE_PAGES]
        for path in paths:
            assert client.get(f"/{channel}/{path}").status_code < 500, path
        assert adapter.summary(shelf.item(one.code))["code"] == one.code
    before, now = (adapters()["web"].project(of_item(version)) for version in (item(), one))
    assert isinstance(changes(before, now), list)


@settings(max_examples=50, deadline=None)
@given(any_body(Item), st.none() | st.integers(0, 20), st.none() | st.integers(0, 20))
def test_a_case_of_such_an_item_opens_and_promises_no_day_in_an_unknown_unit(facts, promised, legal):
    one = Item.model_validate(item().model_dump() | facts | {"promise_day": promised, "anticipate_day": legal})

    rules = LegalLimits.for_item(one)

    unit = one.promise_type if promised is not None else one.anticipate_type
    if unit not in TABLES["time_unit"]:
        assert not rules.promise_day


def test_an_unknown_code_is_shown_as_unknown():
    one = item(task_type="77", dept_type="Z", project_type="Z", handle_type=["Z"], promise_day=5, promise_type="H")
    facts = {fact["name"]: fact["value"] for fact in adapters()["portal"].project(of_item(one))["facts"]}

    for name in ("事项类型", "实施主体性质", "办件类型", "办理形式"):
        assert facts[name] == "以窗口告知为准"
    assert facts["承诺办结时限"] == "5（单位以窗口告知为准）"


@given(any_body(Item))
def test_what_is_named_as_unknown_is_exactly_what_no_table_has(facts):
    one = Item.model_validate(item().model_dump() | facts)
    wrong = {
        (name, code)
        for name, table in coded_fields(Item).items()
        for code in (getattr(one, name) if is_list(Item, name) else [getattr(one, name)]) or ()
        if code is not None and code not in TABLES[table]
    }

    assert {(found.field.partition(".")[0], found.value) for found in unknown_codes(one)} == wrong
