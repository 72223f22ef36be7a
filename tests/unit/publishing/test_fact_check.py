"""A body that states one fact in two ways is refused at every door; an import loses one of the two, and no row."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import orjson
import pytest
from fastapi.testclient import TestClient

from contracts.content.guides import Guide
from services.auditor import api as auditor_api
from services.catalog.commands import ItemImport
from services.operations.repeated_facts import RepeatedFact, as_json, repeated_facts
from shared.config import Settings
from shared.publishing.editions import find
from shared.publishing.imports.request import ImportRequest
from tests.harness.actors import TESTER
from tests.harness.pipeline import ADMIN, Pipeline, code_of, guide, item, pipeline
from tests.unit.operations.test_verification import Stranger

SENTENCE = "每证10元"
OTHER = {"fee_name": "工本费", "amount_fen": 2000, "fee_stand": SENTENCE}
SAME = {**OTHER, "amount_fen": 1000}


@pytest.fixture
def county(tmp_path: Path) -> Iterator[Pipeline]:
    with pipeline(tmp_path) as made:
        yield made


def put(county: Pipeline, one: Guide, revision: int | None = None) -> httpx.Response:
    headers = {"Authorization": f"Bearer {ADMIN}", **({"If-Match": f'"{revision}"'} if revision else {})}
    body = one.model_dump(mode="json", exclude_none=True)
    return county.http.put(f"/guides/v1/guides/{one.code}", json=body, headers=headers)


def released(county: Pipeline, one: str, code: str) -> dict[str, object]:
    with county.dbs[one].read() as session:
        return orjson.loads(find(session, code).released or "null")


# The doors


def test_a_fee_whose_sentence_says_another_amount_is_not_saved_and_both_are_named(county: Pipeline) -> None:
    assert put(county, guide(1, fees=[SAME])).status_code == 201

    refused = put(county, guide(1, fees=[OTHER]), 1)

    assert refused.status_code == 422
    (error,) = refused.json()["errors"]
    assert (error["field"], error["rule"], error["value"]) == ("fees.0.fee_stand", "one_fact_once", SENTENCE)
    assert SENTENCE in error["message"]
    assert "fees.0.amount_fen is 2000 分 (20.00 元)" in error["message"]
    with county.dbs["guides"].read() as session:
        assert orjson.loads(find(session, code_of(1)).draft)["fees"][0]["amount_fen"] == 1000


def test_a_draft_of_an_earlier_version_that_says_two_things_is_not_released(county: Pipeline) -> None:
    assert put(county, guide(1, fees=[SAME])).status_code == 201
    body = guide(1, fees=[OTHER]).model_dump_json(exclude_none=True)
    county.execute("guides", "UPDATE edition SET draft = :body", body=body)

    headers = {"Authorization": f"Bearer {ADMIN}", "If-Match": '"1"'}
    refused = county.http.post(f"/guides/v1/guides/{code_of(1)}/release", headers=headers)

    assert refused.status_code == 422
    assert refused.json()["errors"][0]["rule"] == "one_fact_once"


def test_an_item_that_says_another_number_of_visits_is_neither_saved_nor_released(county: Pipeline) -> None:
    body = item(1, limit_scene_num=1, limit_scene_explain="最多跑0次").model_dump(mode="json", exclude_none=True)
    headers = {"Authorization": f"Bearer {ADMIN}"}
    refused = county.http.put(f"/catalog/v1/items/{code_of(1)}", json=body, headers=headers)
    assert refused.json()["errors"][0]["field"] == "limit_scene_explain"

    county.release(item(1))
    county.execute("catalog", "UPDATE edition SET draft = :body", body=orjson.dumps(body).decode())
    refused = county.http.post(f"/catalog/v1/items/{code_of(1)}/release", headers={**headers, "If-Match": '"1"'})
    assert refused.status_code == 422


def test_words_that_cannot_be_read_are_saved_and_told_with_the_answer(county: Pipeline) -> None:
    saved = put(county, guide(1, fees=[{**OTHER, "fee_stand": "首次免费，补领20元"}]))
    assert saved.status_code == 201
    (finding,) = saved.json()["findings"]
    assert (finding["check"], finding["field"]) == ("one_fact_once", "fees.0.fee_stand")
    assert "cannot be compared" in finding["message"]


def test_an_import_keeps_the_words_of_a_fee_without_its_amount_and_warns(county: Pipeline) -> None:
    row = guide(1, fees=[OTHER]).model_dump(mode="json")
    outcome = county.guides.import_guides(TESTER, ImportRequest(rows=[row]))

    assert outcome.released == 1
    (fee,) = released(county, "guides", code_of(1))["fees"]
    assert (fee["fee_stand"], "amount_fen" in fee) == (SENTENCE, False)
    (warning,) = outcome.warnings
    assert warning["check"] == "one_fact_once"
    assert warning["message"].endswith("fees.0.amount_fen was left out")


def test_an_import_leaves_out_words_that_a_body_can_do_without(county: Pipeline) -> None:
    row = item(1, limit_scene_num=1, limit_scene_explain="最多跑0次", task_name="登记").model_dump(mode="json")
    outcome = county.catalog.import_items(TESTER, ItemImport(rows=[row]))

    assert outcome.released == 1
    body = released(county, "catalog", code_of(1))
    assert (body["limit_scene_num"], "limit_scene_explain" in body) == (1, False)
    assert [warning["field"] for warning in outcome.warnings] == ["limit_scene_explain"]


def test_the_same_file_again_releases_nothing(county: Pipeline) -> None:
    row = guide(1, fees=[OTHER]).model_dump(mode="json")
    for expected in (1, 0):
        assert county.guides.import_guides(TESTER, ImportRequest(rows=[row])).released == expected


# What several bodies say


def found(county: Pipeline) -> list[RepeatedFact]:
    county.flow()
    return repeated_facts(Stranger(county))


def test_a_county_that_says_everything_once_has_no_repeated_fact(county: Pipeline) -> None:
    county.release(item(1, is_fee=True, limit_scene_num=1))
    county.release(guide(1, fees=[SAME], questions=[{"question": "收费吗？", "answer": "10元"}]))
    assert found(county) == []


@pytest.mark.parametrize(
    ("of_item", "of_guide", "fact"),
    [
        ({"is_fee": False}, {"fees": [SAME]}, "is_fee"),
        ({"is_fee": True}, {"fees": [{"fee_name": "费", "amount_fen": 0, "fee_stand": "免费"}]}, "is_fee"),
        ({"promise_day": 5, "promise_type": "1"}, {"time_limit_explain": "承诺办结时限7个工作日"}, "promise_day"),
        ({"promise_day": 5, "promise_type": "1"}, {"time_limit_explain": "5个自然日"}, "promise_day"),
        ({"anticipate_day": 20}, {"time_limit_explain": "法定办结时限30个工作日"}, "anticipate_day"),
        ({"limit_scene_num": 1}, {"questions": [{"question": "要跑几次？", "answer": "最多跑0次"}]}, "limit_scene_num"),
        ({"is_online": False}, {"steps": [{"name": "申请", "content": "网上申请"}]}, "is_online"),
        (
            {"is_online": True, "online_handle_depth": ["5"], "limit_scene_num": 0},
            {"steps": [{"name": "到窗口申请"}]},
            "online_handle_depth",
        ),
        ({}, {"dept_name": "云溪县民政局"}, "dept_name"),
    ],
)
def test_an_item_and_its_guide_that_differ_are_found(
    county: Pipeline, of_item: dict[str, object], of_guide: dict[str, object], fact: str
) -> None:
    county.release(item(1, **of_item))
    county.release(guide(1, **of_guide))
    (one,) = found(county)
    assert (one.between, one.fact, one.differs) == ("item_guide", fact, True)
    assert one.keys == [f"item:{code_of(1)}", f"guide:{code_of(1)}"]


WINDOW = {"address": "政务服务中心一楼", "window_no": "A01"}


@pytest.mark.parametrize(
    ("one", "other", "fact"),
    [
        ({"windows": [{**WINDOW, "phone": "0751-1"}]}, {"windows": [{**WINDOW, "phone": "0751-2"}]}, "window phone"),
        ({"windows": [{**WINDOW, "hours": "9-12"}]}, {"windows": [{**WINDOW, "hours": "9-17"}]}, "window hours"),
        ({"fees": [SAME]}, {"fees": [{**SAME, "amount_fen": 2000, "fee_stand": "每证20元"}]}, "fee"),
        ({"link_way": "0751-5361234"}, {"link_way": "07515361234", "dept_name": "云溪县民政局"}, "phone"),
    ],
)
def test_guides_that_quote_one_office_phone_or_price_differently_are_found(
    county: Pipeline, one: dict[str, object], other: dict[str, object], fact: str
) -> None:
    county.release(guide(1, **one))
    county.release(guide(2, **other))
    county.release(guide(3))
    (differing,) = found(county)
    assert (differing.between, differing.fact) == ("guides", fact)
    assert differing.keys == [f"guide:{code_of(1)}", f"guide:{code_of(2)}"]


def test_numbers_of_everybody_and_withdrawn_guides_are_not_compared(county: Pipeline) -> None:
    county.release(guide(1, link_way="12345", fees=[SAME]))
    county.release(guide(2, link_way="12345", dept_name="云溪县民政局"))
    gone = guide(3, fees=[{**SAME, "amount_fen": 2000, "fee_stand": "每证20元"}])
    county.release(gone)
    county.withdraw(gone)
    assert found(county) == []


def test_a_contradiction_that_an_earlier_version_released_is_found_and_comes_first(county: Pipeline) -> None:
    county.release(guide(1, fees=[{**SAME, "fee_stand": "首次免费，补领10元"}]))
    county.release(
        guide(2, fees=[{**SAME, "fee_name": "登记费"}], questions=[{"question": "收费吗？", "answer": "免费"}])
    )
    first, second = found(county)
    assert (first.fact, first.differs) == ("questions", True)
    assert (second.fact, second.differs) == ("fees.0.fee_stand", False)


def test_an_answer_that_counts_other_materials_than_the_list_is_found(county: Pipeline) -> None:
    questions = [{"question": "要带什么？", "answer": "材料共3项"}]
    county.release(guide(1, materials=[{"material_name": "申请表"}], questions=questions))
    (one,) = found(county)
    assert (one.fact, one.differs) == ("questions", True)
    assert "lists 1 materials" in one.message


def test_operators_read_them_over_http(county: Pipeline, tmp_path: Path) -> None:
    county.release(item(1, is_fee=False))
    county.release(guide(1, fees=[SAME]))
    county.flow()
    settings = Settings(data_dir=tmp_path, admin_token=ADMIN, service_token="service")
    app = auditor_api.make(county.dbs["ledger"], settings, lambda: as_json(repeated_facts(Stranger(county))))

    assert TestClient(app).get("/v1/facts").status_code == 401
    answer = TestClient(app).get("/v1/facts", headers={"Authorization": f"Bearer {ADMIN}"}).json()
    assert answer["differs"] == 1
    assert answer["facts"][0] | {"message": ""} == {
        "between": "item_guide",
        "fact": "is_fee",
        "keys": [f"item:{code_of(1)}", f"guide:{code_of(1)}"],
        "count": 2,
        "message": "",
        "differs": True,
    }
