"""What a newer version has put into the ledger is parked by every channel that does not know it; all else goes on."""

from datetime import UTC, datetime, timedelta

import pytest

from contracts.kinds import KINDS
from tests.harness.kinds import NOTICE, notice_entry, recorded, release_of
from tests.harness.pipeline import ADMIN, PROJECT_NO, QUERY_CODE, SERVICE, code_of, guide, item, progress

BODY = {"title": "关于国庆期间窗口服务的通告"}


def parked(county, channel):
    return county.get(f"{channel}/v1/parked", SERVICE).json()["parked"]


def test_an_unknown_kind_is_parked_and_every_other_key_goes_on(county, channel):
    county.release(item(1))
    county.flow()
    recorded(county, release_of(NOTICE, BODY))
    county.release(item(2))
    county.release(guide(2))
    county.release_case(progress())
    county.flow()

    (entry,) = parked(county, channel)
    assert (entry["key"], entry["version"], entry["position"]) == (NOTICE, 1, 2)
    assert "kind notice is not known to this version" in entry["reason"]
    assert county.get(f"{channel}/v1/items/{code_of(2)}").status_code == 200
    assert county.get(f"{channel}/v1/guides/{code_of(2)}").status_code == 200
    asked = {"project_no": PROJECT_NO, "query_code": QUERY_CODE}
    assert county.http.post(f"/{channel}/v1/applications/lookup", json=asked).status_code == 200
    assert county.channels[channel].position() == 5


def test_an_unknown_op_of_a_known_kind_is_parked_and_the_version_before_stays(county, channel):
    county.release(item(1, "现行"))
    county.flow()
    recorded(county, release_of(f"item:{code_of(1)}", {"x": "y"}, version=2, sequence=2, op="amend"))
    county.release(item(2))
    county.flow()

    assert [entry["reason"].partition(": ")[2][:40] for entry in parked(county, channel)] == [
        "op amend of kind item is not known to th"
    ]
    assert county.get(f"{channel}/v1/items/{code_of(1)}").json()["source"]["version"] == 1
    assert county.get(f"{channel}/v1/items/{code_of(2)}").status_code == 200


@pytest.mark.parametrize("full", [True, False])
def test_a_rebuild_parks_it_too_and_comes_out_the_same(county, channel, full):
    recorded(county, release_of(NOTICE, BODY))
    county.release(item(1))
    county.flow()
    done = county.rebuild(channel, full=full, pays_from=0)

    assert done.differences == []
    assert [entry["key"] for entry in parked(county, channel)] == [NOTICE]


def test_what_was_lost_on_the_way_is_healed_with_an_unknown_kind_in_between(county, channel):
    county.release(item(1))
    recorded_at = len(county.ledger_messages())
    county.flow()
    recorded(county, release_of(NOTICE, BODY))
    county.release(item(2))
    county.intake.reconcile()

    assert county.channels[channel].reconcile() == len(county.ledger_messages()) - recorded_at - 1
    assert county.get(f"{channel}/v1/items/{code_of(2)}").status_code == 200


def test_an_operator_replays_it_once_the_channel_knows_the_kind(county, channel, monkeypatch):
    recorded(county, release_of(NOTICE, BODY))
    county.flow()
    address = f"/{channel}/v1/parked/1/replay"
    operator = {"Authorization": f"Bearer {ADMIN}"}
    refused = county.http.post(address, headers=operator)
    monkeypatch.setitem(KINDS, "notice", notice_entry())
    shown = county.http.post(address, headers=operator)

    assert (refused.status_code, shown.status_code) == (409, 200)
    assert parked(county, channel) == []
    assert county.get(f"{channel}/v1/trace/{NOTICE}", SERVICE).json()["version"] == 1


def test_a_wrong_digest_of_an_unknown_kind_is_found_all_the_same(county, channel):
    recorded(county, release_of(NOTICE, BODY).model_copy(update={"digest": "0" * 64}))
    county.release(item(1))
    county.flow()

    assert ["does not match its digest" in entry["reason"] for entry in parked(county, channel)] == [True]
    assert county.get(f"{channel}/v1/items/{code_of(1)}").status_code == 200


def test_nobody_without_a_token_reads_the_body_of_a_kind_that_the_ledger_does_not_know(county, channel):
    entry = recorded(county, release_of(NOTICE, BODY))
    county.flow()
    read = county.get(f"ledger/v1/entries/{entry.position}").json()

    assert (read["body"], read["no_body"]) == (None, "withheld")
    assert county.get(f"ledger/v1/entries/{entry.position}", SERVICE).json()["body"] == BODY
    assert county.get(f"ledger/v1/state/{NOTICE}").status_code == 422


def test_what_comes_later_is_parked_when_it_is_read_not_when_its_time_comes(county, channel):
    recorded(county, release_of(NOTICE, BODY, effective_at=datetime.now(UTC) + timedelta(hours=1)))
    county.flow()

    assert [entry["key"] for entry in parked(county, channel)] == [NOTICE]
