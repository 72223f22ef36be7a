"""What every channel promises: it shows exactly what is released, newest version wins, and poison stays alone."""

from datetime import UTC, datetime, timedelta

import orjson
import pytest

from contracts.envelope.publication import Publication
from services.channels.core.port import adapters, source_of
from services.channels.pages.version_history import VersionHistory
from services.channels.recovery.rebuild import Rebuild
from services.ledger.signing.heads import sign_head
from shared.errors import UpstreamDown
from shared.publishing.editions import EditionState, Plans
from shared.transparency.canonical import digest
from tests.harness.pipeline import (
    ADMIN,
    PROJECT_NO,
    QUERY_CODE,
    SERVICE,
    code_of,
    guide,
    item,
    progress,
    shown,
)

CODE = code_of(1)


def test_a_released_item_is_shown_as_its_projection(county, channel):
    county.release(item(1))
    county.flow()
    answer = county.get(f"{channel}/v1/items/{CODE}")

    assert answer.status_code == 200
    assert answer.json() == projected(county, channel, f"item:{CODE}")


def test_a_released_guide_is_shown_as_its_projection(county, channel):
    county.release(guide(1))
    county.flow()

    assert county.get(f"{channel}/v1/guides/{CODE}").json() == projected(county, channel, f"guide:{CODE}")


def test_a_case_is_shown_to_who_has_the_receipt_and_to_nobody_else(county, channel):
    key = county.release_case(progress())
    county.flow()

    assert look_up(county, channel).json() == projected(county, channel, key)
    assert county.get(f"{channel}/v1/items/{key.partition(':')[2]}").status_code == 404
    assert county.get(f"{channel}/v1/applications/{key.partition(':')[2]}").status_code == 404
    assert county.get(f"{channel}/v1/changes").json()["changes"] == []
    assert county.get(f"{channel}/v1/trace/{key}").status_code == 401


def test_a_document_says_where_it_comes_from(county, channel):
    made = county.release(item(1))
    county.flow()

    mark = county.get(f"{channel}/v1/items/{CODE}").json()["source"]
    assert mark == {"key": f"item:{CODE}", "version": 1, "position": 1, "digest": made.digest}


def test_items_are_listed_in_order_and_in_pages(county, channel):
    for number in (3, 1, 2):
        county.release(item(number))
    county.flow()
    first = county.get(f"{channel}/v1/items", limit=2)

    assert shown(first) == [code_of(1), code_of(2)]
    assert shown(county.get(f"{channel}/v1/items", limit=2, after=first.json()["next"])) == [code_of(3)]


def test_a_newer_version_replaces_the_older_one(county, channel):
    county.release(item(1, "旧名"))
    county.flow()
    county.release(item(1, "新名"))
    county.flow()

    assert county.get(f"{channel}/v1/items/{CODE}").json()["name"] == "新名"


def test_what_comes_again_or_late_changes_nothing(county, channel):
    county.release(item(1, "旧名"))
    county.release(item(1, "新名"))
    county.flow()
    before = dump(county, channel)
    messages = county.ledger_messages()
    for batch in (messages, messages[:1], messages[::-1]):
        assert county.channels[channel].take(batch) == []

    assert dump(county, channel) == before


@pytest.mark.parametrize("state", [EditionState.WITHDRAWN, EditionState.SUSPENDED])
def test_a_withdrawn_item_leaves_every_place(county, channel, state):
    county.release(item(1))
    county.release(item(2))
    county.flow()
    cursor = county.get(f"{channel}/v1/changes").json()["cursor"]
    county.withdraw(item(1), state)
    county.flow()

    answer = county.get(f"{channel}/v1/items/{CODE}")
    assert (answer.status_code, answer.json()["status"]) == (410, 410)
    assert shown(county.get(f"{channel}/v1/items")) == [code_of(2)]
    assert shown(county.get(f"{channel}/v1/search", q="居民身份证")) == [code_of(2)]
    (change,) = county.get(f"{channel}/v1/changes", since=cursor).json()["changes"]
    assert (change["key"], change["version"], change["document"]) == (f"item:{CODE}", 2, None)


def test_a_withdrawn_item_does_not_come_back_by_an_old_message(county, channel):
    county.release(item(1))
    county.flow()
    late = county.ledger_messages()
    county.withdraw(item(1))
    county.flow()
    county.channels[channel].take(late)

    assert county.get(f"{channel}/v1/items/{CODE}").status_code == 410


def test_an_item_that_was_withdrawn_can_be_released_again(county, channel):
    county.release(item(1))
    county.withdraw(item(1))
    county.flow()
    county.release(item(1, "又开办了"))
    county.flow()

    assert county.get(f"{channel}/v1/items/{CODE}").json()["name"] == "又开办了"


def test_a_guide_goes_with_its_item_and_comes_back_with_it(county, channel):
    county.release(item(1))
    county.release(guide(1))
    county.flow()
    county.withdraw(item(1), EditionState.SUSPENDED)
    county.flow()
    county.flow()
    assert county.get(f"{channel}/v1/guides/{CODE}").status_code == 410

    county.release(item(1, "恢复办理"))
    county.flow()
    county.flow()
    assert county.get(f"{channel}/v1/guides/{CODE}").status_code == 200


def test_a_withdrawn_case_is_a_case_that_never_was(county, channel):
    county.release_case(progress())
    county.flow()
    never = look_up(county, channel, query_code="0000-0000-0000")
    county.release_case(None, version=2)
    county.flow()
    gone = look_up(county, channel)

    assert (gone.status_code, gone.content) == (never.status_code, never.content) == (404, never.content)


def test_what_the_queue_lost_comes_from_the_ledger(county, channel):
    for number in range(1, 6):
        county.release(item(number))
    county.intake.reconcile()
    county.channels[channel].take(county.ledger_messages()[-1:])

    assert county.get(f"{channel}/v1/position").json()["position"] == 5
    assert len(shown(county.get(f"{channel}/v1/items"))) == 5


def test_a_channel_that_heard_nothing_catches_up_by_comparing(county, channel):
    county.release(item(1))
    county.intake.reconcile()
    sign_head(county.dbs["ledger"], county.signer)

    assert county.channels[channel].reconcile() == 1
    assert county.get(f"{channel}/v1/position").json()["head"]["size"] == 1
    assert county.channels[channel].reconcile() == 0


def test_an_older_head_that_comes_late_is_old_news(county, channel):
    county.release(item(1))
    county.flow()
    old = county.ledger.head()
    county.release(item(2))
    county.flow()
    newest = county.get(f"{channel}/v1/position").json()["head"]
    county.channels[channel].on_head(old)

    assert county.get(f"{channel}/v1/position").json()["head"] == newest


def test_poison_is_parked_with_its_reason_and_other_keys_go_on(county, channel):
    county.release(item(1))
    county.flow()
    county.emit("catalog", "item:bad", {"task_name": 7})
    county.release(item(2))
    county.flow()

    (parked,) = county.get(f"{channel}/v1/parked", SERVICE).json()["parked"]
    assert (parked["key"], parked["version"], parked["position"]) == ("item:bad", 1, 2)
    assert "task_name" in parked["reason"]
    assert shown(county.get(f"{channel}/v1/items")) == [code_of(1), code_of(2)]


def test_what_is_parked_is_for_operators_alone(county, channel):
    assert county.get(f"{channel}/v1/parked").status_code == 401
    assert county.http.post(f"/{channel}/v1/parked/1/replay").status_code == 401
    assert county.http.delete(f"/{channel}/v1/parked/1").status_code == 401
    assert county.http.post(f"/{channel}/v1/rebuild").status_code == 401


def test_the_last_good_version_stays_while_a_newer_one_is_parked(county, channel):
    county.release(item(1, "旧名"))
    county.flow()
    county.emit("catalog", f"item:{CODE}", {"task_name": 7}, version=2)
    county.flow()

    assert county.get(f"{channel}/v1/items/{CODE}").json()["name"] == "旧名"


def test_a_newer_good_version_ends_the_parking(county, channel):
    county.emit("catalog", f"item:{CODE}", {"task_name": 7})
    county.flow()
    county.emit("catalog", f"item:{CODE}", item(1, "修好了").model_dump(mode="json"), version=2)
    county.flow()

    assert county.get(f"{channel}/v1/parked", SERVICE).json()["parked"] == []
    assert county.get(f"{channel}/v1/items/{CODE}").json()["name"] == "修好了"


def test_a_parked_entry_is_shown_when_the_channel_has_learned_to(county, channel):
    county.emit("catalog", f"item:{CODE}", {"task_name": 7})
    county.flow()
    assert operate(county, "POST", f"{channel}/v1/parked/1/replay").status_code == 409

    good = {**parked_entry(county, channel), "body": item(1, "读得懂了").model_dump(mode="json")}
    learn(county, channel, good)
    assert operate(county, "POST", f"{channel}/v1/parked/1/replay").json() == {"shown": True}
    assert county.get(f"{channel}/v1/items/{CODE}").json()["name"] == "读得懂了"
    assert operate(county, "POST", f"{channel}/v1/parked/1/replay").status_code == 404


def test_an_operator_can_give_a_parked_entry_up(county, channel):
    county.emit("catalog", "item:bad", {"task_name": 7})
    county.flow()

    assert operate(county, "DELETE", f"{channel}/v1/parked/1").json() == {"dropped": True}
    assert county.get(f"{channel}/v1/parked", SERVICE).json()["parked"] == []


def test_a_body_that_does_not_fit_its_digest_is_never_shown(county, channel):
    county.release(item(1))
    county.intake.reconcile()
    county.execute("ledger", "UPDATE entry SET body = replace(body, '居民身份证办理', '伪造的事项')")
    county.channels[channel].catch_up()

    assert county.get(f"{channel}/v1/items/{CODE}").status_code == 404
    (parked,) = county.get(f"{channel}/v1/parked", SERVICE).json()["parked"]
    assert "digest" in parked["reason"]


def projected(county, channel, key):
    """What the channel must serve, worked out from the ledger's entry alone."""
    entry = next(one for one in reversed(county.ledger.entries(0, 1000)) if one.key == key)
    document = adapters()[channel].project(entry)
    assert document is not None
    return orjson.loads(orjson.dumps({**document, "source": source_of(entry)}))


def look_up(county, channel, project_no=PROJECT_NO, query_code=QUERY_CODE):
    asked = {"project_no": project_no, "query_code": query_code}
    return county.http.post(f"/{channel}/v1/applications/lookup", json=asked)


def operate(county, method, path):
    return county.http.request(method, f"/{path}", headers={"Authorization": f"Bearer {ADMIN}"})


def parked_entry(county, channel):
    ((entry,),) = county.execute(channel, "SELECT entry FROM parked")
    return orjson.loads(entry)


def learn(county, channel, content):
    """As if a new version of the channel could read what the old one could not."""
    entry = Publication.model_validate(content)
    entry = entry.model_copy(update={"digest": digest(entry.content())})
    county.execute(channel, "UPDATE parked SET entry = :entry", entry=entry.model_dump_json())


def dump(county, channel):
    return county.execute(channel, "SELECT * FROM document ORDER BY key")


def test_items_and_answers_are_chosen_by_facets(county, channel):
    county.release(item(1))
    county.release(item(2))
    county.flow()
    unit = county.get(f"{channel}/v1/items/{CODE}").json()["dept_name"]

    assert shown(county.get(f"{channel}/v1/items", department=unit, limit=1)) == [CODE]
    assert shown(county.get(f"{channel}/v1/items", department=unit, limit=1, after=CODE)) == [code_of(2)]
    assert shown(county.get(f"{channel}/v1/items", department="别的局")) == []
    assert shown(county.get(f"{channel}/v1/search", q="居民身份证", department="别的局")) == []
    answer = county.get(f"{channel}/v1/search", q="居民身份证", department="别的局", counts=True).json()
    assert answer["total"] == 0
    assert {"value": unit, "label": unit, "count": 2} in answer["facets"]["department"]


@pytest.mark.parametrize("path", ["items", "search"])
def test_a_facet_that_cannot_be_is_refused_by_its_name(county, channel, path):
    county.release(item(1))
    county.flow()

    answer = county.get(f"{channel}/v1/{path}", q="证", audience="cat", theme="没有")

    assert answer.status_code == 422
    assert {error["field"] for error in answer.json()["errors"]} == {"audience", "theme"}
    told = county.get(f"{channel}/v1/{path}", q="证", visit="once")
    assert told.status_code == (200 if channel == "web" else 422)


def test_a_page_of_what_is_gone_names_it_and_points_to_its_situations(county, channel):
    county.release(item(1, "居民身份证办理"))
    county.flow()
    county.withdraw(item(1))
    county.release(item(1, "居民身份证办理(首次申领)", code=f"{CODE}01"))
    county.flow()

    page = county.get(f"{channel}/items/{CODE}")

    assert page.status_code == 410
    if channel != "kiosk":  # its page sends people to the desk
        assert "<h1>居民身份证办理</h1>" in page.text
        assert f'href="/{channel}/items/{CODE}01"' in page.text


def test_without_the_ledger_a_page_of_what_is_gone_says_that_its_name_cannot_be_told(county, channel, monkeypatch):
    county.release(item(1, "居民身份证办理"))
    county.flow()
    county.withdraw(item(1))
    county.flow()

    def away(_key):
        raise UpstreamDown("gone")

    monkeypatch.setattr(county.channels[channel].ledger, "history", away)
    page = county.get(f"{channel}/items/{CODE}")

    assert page.status_code == 410
    assert "居民身份证办理" not in page.text
    if channel != "kiosk":
        assert "没有应答" in page.text


def test_the_version_before_is_told_the_same_after_a_rebuild_and_none_that_nobody_saw(county, channel):
    for name in ("第一名", "第二名"):
        county.release(item(1, name))
        county.flow()
    county.release(item(1, "没到时候的名"), effective_at=datetime.now(UTC) + timedelta(days=1))
    county.release(item(1, "第四名"), plans=Plans.CANCEL)
    county.flow()
    ask = VersionHistory(county.channels[channel]).step

    first = ask(f"item:{CODE}")
    for step in Rebuild(county.channels[channel]).run():
        assert step
    again = VersionHistory(county.channels[channel]).step(f"item:{CODE}")

    assert (first.before["name"], first.now["name"]) == ("第二名", "第四名")
    assert again == first


def test_what_was_withdrawn_before_is_not_told(county, channel):
    county.release(item(1, "旧名"))
    county.flow()
    county.withdraw(item(1))
    county.release(item(1, "新名"))
    county.flow()

    step = VersionHistory(county.channels[channel]).step(f"item:{CODE}")

    assert (step.before, step.why, step.now["name"]) == (None, "withdrawn", "新名")


def test_a_page_keeps_its_tag_until_its_content_changes(county, channel):
    """Heads come every two seconds. What they say is told by the stream, so that a reader's copy stays good."""
    county.release(item(1))
    county.flow()
    addresses = [f"{channel}/", f"{channel}/items", f"{channel}/items/{code_of(1)}", f"{channel}/search?q=身份证"]
    before = {address: county.get(address) for address in addresses}
    for _ in range(2):
        county.flow()

    for address, first in before.items():
        again = county.http.get(f"/{address}", headers={"If-None-Match": first.headers["etag"]})
        assert again.status_code == 304, address
    county.release(item(1, "改了名的居民身份证"))
    county.flow()
    for address, first in before.items():
        again = county.http.get(f"/{address}", headers={"If-None-Match": first.headers["etag"]})
        assert again.status_code == 200 or address.endswith("/"), address
