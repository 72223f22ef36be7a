"""An act says why something was released or withdrawn, in the same transaction; anybody can read and verify it."""

from datetime import UTC, datetime, timedelta

import orjson
import pytest

from contracts.content.acts import MOST_MEMBERS, REASONS, Act, Reason
from contracts.envelope.publication import Lane
from services.channels.api import queries
from services.channels.core.port import adapters
from services.operations.verification.verifier import Verification
from services.runtime.manifests import CHANNELS
from shared.errors import Conflict, Invalid
from shared.publishing.acts import Why, explain
from tests.harness.pipeline import ADMIN, SERVICE, code_of, guide, item, pipeline
from tests.unit.operations.test_verification import Stranger

ITEM = f"item:{code_of(1)}"
EDITOR = {"Authorization": f"Bearer {ADMIN}"}
WHY = {"reason": "succession", "note": "已并入“企业开办”，请按新事项办理。", "successors": [f"item:{code_of(2)}"]}


@pytest.fixture
def county(tmp_path):
    with pipeline(tmp_path) as made:
        made.release(item(1))
        made.release(item(2))
        made.flow()
        yield made


def withdraw(county, why, number=1, step="withdraw", source="catalog/v1/items"):
    return county.http.post(f"/{source}/{code_of(number)}/{step}", json=why, headers=EDITOR)


def entries(county, token=None):
    return county.get("ledger/v1/entries", token, limit=1000).json()["entries"]


def acts(county, token=None):
    return [entry for entry in entries(county, token) if entry["kind"] == "act"]


def test_a_withdrawal_with_a_reason_is_explained_in_the_ledger(county):
    answer = withdraw(county, WHY)
    county.flow()
    (act,) = acts(county)
    (withdrawal,) = [entry for entry in entries(county) if entry["op"] == "withdraw"]

    assert answer.status_code == 200
    assert act["key"] == answer.json()["act"] == "act:catalog-live-4"
    assert act["position"] == withdrawal["position"] + 1
    assert act["body"]["acts_on"] == [{name: withdrawal[name] for name in ("key", "version", "digest")}]
    assert {name: act["body"][name] for name in WHY} == WHY


def test_a_withdrawal_without_a_reason_has_no_act(county):
    answer = withdraw(county, {})
    county.flow()

    assert "act" not in answer.json()
    assert acts(county) == []


@pytest.mark.parametrize(
    ("why", "field"),
    [
        ({"reason": "because"}, "reason"),
        ({"note": "没有原因"}, "reason"),
        ({"reason": "withdrawal", "note": ""}, "note"),
        ({"reason": "withdrawal", "note": "长" * 501}, "note"),
        ({"reason": "withdrawal", "note": "请找张三，电话13812345678"}, "note"),
        ({"reason": "withdrawal", "note": "看不\u200b见"}, "note"),
        ({"reason": "succession", "successors": ["11339921003991014U"]}, "successors.0"),
        ({"reason": "succession", "successors": ["application:abc"]}, "successors.0"),
        ({"reason": "succession", "successors": [ITEM]}, "successors.0"),
        ({"reason": "succession", "successor": ITEM}, "successor"),
    ],
)
def test_a_reason_that_cannot_be_published_is_refused_by_field_and_nothing_is_withdrawn(county, why, field):
    answer = withdraw(county, why)
    county.flow()

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert county.get(f"web/v1/items/{code_of(1)}").status_code == 200
    assert acts(county) == []


def test_a_reason_for_what_changes_nothing_is_refused(county):
    withdraw(county, {})
    again = withdraw(county, WHY)

    assert again.status_code == 409
    assert "nothing is released, so a reason cannot be recorded" in again.json()["detail"]


def test_every_source_explains_its_own_in_the_lane_of_what_it_explains(county):
    county.release(guide(1))
    answer = withdraw(county, {"reason": "withdrawal"}, source="guides/v1/guides")
    county.flow()

    assert answer.json()["act"] == "act:guides-live-3"
    assert [act["source"] for act in acts(county)] == ["guides"]


def test_acts_of_one_source_never_share_a_key(county):
    first = withdraw(county, {"reason": "withdrawal"}).json()["act"]
    county.release(item(1))
    second = withdraw(county, {"reason": "undo"}).json()["act"]
    county.flow()

    assert first != second
    assert [(act["key"], act["version"]) for act in acts(county)] == [(first, 1), (second, 1)]


def test_a_set_is_explained_as_a_whole(county):
    releases = [county.release(item(number)) for number in (3, 4)]
    with county.dbs["catalog"].write() as session:
        explain(session, "catalog", releases, Why(Reason.SET, "“开办餐馆”一件事"))
    county.flow()
    ((act,),) = ([entry["body"] for entry in acts(county)],)

    assert [member["key"] for member in act["acts_on"]] == [f"item:{code_of(3)}", f"item:{code_of(4)}"]


def test_an_act_that_explains_nothing_is_refused(county):
    with pytest.raises(Conflict), county.dbs["catalog"].write() as session:
        explain(session, "catalog", [], Why(Reason.SET))


def test_a_set_that_is_too_large_is_refused_and_nothing_of_it_released(county):
    one = county.release(item(3))
    with pytest.raises(Invalid, match="acts_on"), county.dbs["catalog"].write() as session:
        explain(session, "catalog", [one] * (MOST_MEMBERS + 1), Why(Reason.SET))
    county.flow()

    assert acts(county) == []


def test_an_act_goes_the_way_of_what_it_explains_when_that_was_imported(county):
    with county.dbs["catalog"].write() as session:
        made = county.release(item(5)).model_copy(update={"lane": Lane.BACKFILL})
        act = explain(session, "catalog", [made], Why(Reason.CORRECTION))

    assert (act.lane, act.key) == ("backfill", "act:catalog-backfill-1")


def test_what_an_act_says_of_a_planned_withdrawal_is_not_told_before_its_time(county):
    when = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    withdraw(county, {**WHY, "effective_at": when})
    county.flow()
    (public,), (trusted,) = acts(county), acts(county, SERVICE)

    assert (public["body"], public["no_body"]) == (None, "withheld")
    assert trusted["body"]["note"] == WHY["note"]
    assert len(trusted["body"]["salt"]) == 32


def test_every_channel_keeps_an_act_by_its_key_and_lists_it_nowhere(county):
    key = withdraw(county, WHY).json()["act"]
    county.flow()

    for name in CHANNELS:
        with county.dbs[name].read() as session:
            served = queries.document(session, *key.split(":"))
        document = orjson.loads(served.content)
        assert document["source"]["key"] == key
        assert (document["reason"], document["reason_label"]) == ("succession", REASONS["succession"])
        assert document["note"] == WHY["note"]
        assert "salt" not in document
        assert [change["key"] for change in county.get(f"{name}/v1/changes").json()["changes"]] == [
            f"item:{code_of(2)}",
            f"item:{code_of(1)}",
        ]
        assert county.get(f"{name}/v1/source").json()["digests"]["counts"]["act"] == 1
        assert county.get(f"{name}/v1/source/act/00").status_code == 422
        assert county.get(f"{name}/v1/parked", SERVICE).json()["parked"] == []


def test_verify_compares_acts_and_finds_one_that_was_changed(county):
    withdraw(county, WHY)
    county.flow()
    county.flow()
    assert findings(county) == []
    county.execute("mobile", "UPDATE document SET content = replace(content, '并入', '并人') WHERE kind = 'act'")

    assert [(one.where, one.verdict) for one in findings(county)] == [("mobile", "different")]


def test_a_rebuild_gives_the_same_acts(county):
    withdraw(county, WHY)
    county.flow()

    for name in CHANNELS:
        assert county.rebuild(name, pays_from=0).differences == []
        assert county.rebuild(name, full=True).differences == []


def test_an_act_is_in_the_state_and_can_be_proven(county):
    key = withdraw(county, WHY).json()["act"]
    county.flow()
    answer = county.get(f"ledger/v1/state/{key}")

    assert answer.status_code == 200


def test_a_reason_of_a_newer_version_is_kept_and_shown_as_another(county):
    body = {"reason": "merger", "acts_on": [{"key": ITEM, "version": 1, "digest": "0" * 64}], "made_at": NOW}
    county.emit("catalog", "act:catalog-live-3", Act.model_validate(body).model_dump(mode="json", exclude_none=True))
    county.flow()
    with county.dbs["web"].read() as session:
        served = queries.document(session, "act", "catalog-live-3")

    assert orjson.loads(served.content)["reason_label"] == "其他"


def test_every_reason_has_a_chinese_label():
    assert set(REASONS) == set(Reason)


def findings(county):
    return Verification(Stranger(county), 60, lambda _what, _count: None, patience=0).run(adapters()).findings


NOW = "2026-03-01T00:00:00Z"
