"""What the projection of every channel guarantees, parametrised over the folders in services/channels."""

import orjson
import pytest
from hypothesis import given

from contracts.content.guides import Guide
from contracts.content.items import Item
from services.channels.core.port import adapters
from services.runtime.manifests import CHANNELS
from shared.transparency.canonical import canonical
from tests.harness.projecting import (
    CASE,
    CODE,
    any_guide,
    any_item,
    county,
    guide,
    item,
    leaves,
    of_case,
    of_guide,
    of_item,
    progress,
    published,
    shown,
)

every_channel = pytest.mark.parametrize("channel", sorted(adapters()))
HEAD = {"kind", "code", "name"}


def test_the_channels_are_those_of_the_topology():
    assert set(adapters()) == set(CHANNELS)


@every_channel
def test_a_channel_has_a_name_and_a_chinese_title(channel):
    assert adapters()[channel].name == channel
    assert any("\u4e00" <= char <= "\u9fff" for char in adapters()[channel].title)


@every_channel
@given(one=any_item)
def test_any_item_of_the_hall_is_shown_with_its_name_and_code(channel, one):
    document = shown(channel, of_item(one.model_copy(update={"is_entry_center": True})))

    assert (document["kind"], document["code"], document["name"]) == ("item", one.code, one.task_name)
    assert document["dept_name"] == one.dept_name


@every_channel
@given(one=any_item, other=any_guide)
def test_the_same_publication_gives_the_same_bytes(channel, one, other):
    for publication in (of_item(one), of_guide(other), of_case(progress())):
        again = publication.model_validate_json(publication.model_dump_json())
        project = adapters()[channel].project

        assert orjson.dumps(project(publication)) == orjson.dumps(project(again))


@every_channel
@given(one=any_item, other=any_guide)
def test_a_document_is_canonical_json_and_leaves_source_to_the_core(channel, one, other):
    for publication in (of_item(one), of_guide(other)):
        document = adapters()[channel].project(publication)
        if document is None:
            continue

        assert document.keys() >= HEAD
        assert "source" not in document
        assert canonical(document)


@every_channel
@given(one=any_item)
def test_a_summary_is_the_documents_own_words(channel, one):
    document = shown(channel, of_item(one.model_copy(update={"is_entry_center": True})))
    summary = adapters()[channel].summary(document | {"source": {"version": 3}})

    assert summary.items() <= (document | {"source": {"version": 3}}).items()
    assert {"code", "name", "dept_name", "source"} <= summary.keys()


@every_channel
def test_fields_of_a_newer_contract_are_ignored(channel):
    body = item(is_entry_center=True).model_dump(mode="json")
    newer = body | {"carbon_footprint": {"grams": 3}}

    assert shown(channel, published(f"item:{CODE}", newer)) == shown(channel, published(f"item:{CODE}", body))


@every_channel
def test_fields_of_a_newer_material_are_ignored(channel):
    materials = [{"material_name": "居民户口簿", "blockchain": "yes"}]
    body = guide(windows=[{"address": "一楼A区"}]).model_dump(mode="json") | {"materials": materials}

    assert "blockchain" not in str(shown(channel, published(f"guide:{CODE}", body)))


@every_channel
@pytest.mark.parametrize("field", ["task_name", "dept_name", "code", "task_type"])
def test_an_item_without_a_required_field_cannot_be_shown(channel, field):
    body = item(is_entry_center=True).model_dump(mode="json")
    del body[field]

    with pytest.raises(ValueError, match=field):
        adapters()[channel].project(published(f"item:{CODE}", body))


@every_channel
def test_a_body_under_the_key_of_another_item_cannot_be_shown(channel):
    body = item(is_entry_center=True).model_dump(mode="json")

    with pytest.raises(ValueError, match="code"):
        adapters()[channel].project(published("item:11339921003991014U4000709901002", body))


@every_channel
def test_a_case_is_shown_with_the_same_facts_everywhere(channel):
    case = shown(channel, of_case(progress()))

    assert case == {
        "kind": "application",
        "code": CASE,
        "name": "办理状态",
        "item_code": CODE,
        "stage": "2",
        "stage_label": "办理中",
        "state": "IN_REVIEW",
        "state_label": "正在办理",
        "badges": ["correction"],
        "badge_labels": ["需要补正"],
        "apply_date": "2026-03-02",
        "accept_date": "2026-03-03",
        "promise_date": "2026-03-24",
        "milestones": [{"state": "ACCEPTED", "label": "受理", "day": "2026-03-03"}],
        "advice": "您的申请正在办理，您暂时不需要做什么。",
        **({} if channel == "mobile" else {"result_date": None}),
    }


@every_channel
def test_nothing_but_the_contracts_fields_of_a_case_gets_out(channel):
    body = progress().model_dump(mode="json") | {"applyer_name": "欧阳某某", "contact_mobile": "13800000000"}
    document = shown(channel, published(f"application:{CASE}", body))

    assert {"欧阳某某", "13800000000", body["salt"]}.isdisjoint(map(str, leaves(document)))


@every_channel
def test_the_whole_demonstration_county_can_be_shown(channel):
    for one, its_guide in county():
        assert shown(channel, of_guide(its_guide))["code"] == one.code
        if one.is_entry_center:
            assert shown(channel, of_item(one))["name"] == one.task_name


@every_channel
def test_real_items_of_a_province_can_be_shown(channel, real):
    documents = [adapters()[channel].project(of_item(one)) for one, _ in real]
    guides = [adapters()[channel].project(of_guide(its)) for _, its in real if its]

    assert len(documents) == 1600
    assert all(document["name"] for document in documents if document)
    assert all(document["code"] for document in guides if document)


@pytest.fixture(scope="module")
def real(data) -> list[tuple[Item, Guide | None]]:
    from services.importing.formats.registry import read

    outcomes = list(read(data / "gd-items-1600.jsonl", "gd-portal"))
    return [(outcome.item, outcome.guide) for outcome in outcomes if hasattr(outcome, "item")]
