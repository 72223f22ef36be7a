"""The desk's pages of subscribers over a whole county: what is shown, what each role does, and what is shown once."""

import html
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from services.console.subscribers.pages import DOWN
from services.subscriptions.registry import lag
from tests.harness.desk import Browser, TestDesk
from tests.harness.desk_county import DeskCounty, desk_county
from tests.harness.pipeline import code_of, item
from tests.harness.receivers import receiver, status
from tests.harness.subscribers import Subscribers

Place = tuple[DeskCounty, TestDesk]
NAME, ADDRESS = "市数据共享平台", "https://hooks.example.gov.cn/ty"
NEW = {"name": NAME, "contact": "数据科", "delivery": "webhook", "url": ADDRESS, "start": "everything", "rate": "20",
       "payload_limit": "20480", "kinds": ["item"], "departments": "1133"}  # fmt: skip
SECRET = re.compile(r'<code class="secret">([^<]+)</code>')


@pytest.fixture
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with desk_county(tmp_path_factory.mktemp("subscribers")) as made:
        yield made


def service_of(place: Place) -> Subscribers:
    return place[0].subscribers


def administrator(place: Place) -> Browser:
    return place[1].session("guanli")


def operator(place: Place) -> Browser:
    return place[1].session("yunwei")


def auditor(place: Place) -> Browser:
    return place[1].session("shenji")


def words_of(source: str) -> str:
    """The words of HTML, as a reader sees them."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", source)).split())


def only(place: Place) -> Any:
    """The only subscription, as the service has it."""
    (one,) = service_of(place).http.get("/v1/subscriptions").json()["subscriptions"]
    return one


def delivered(place: Place) -> Any:
    """A webhook with one item that was sent to it."""
    service = service_of(place)
    with receiver(status(204)) as there:
        hook = service.webhook(there.url, NAME)
        place[0].county.release(item(1))
        service.flow()
        service.until(lambda: service.deliveries(hook, "delivered"), "the delivery ends")
    return hook


def test_a_subscriber_is_added_by_a_form_and_its_secrets_are_shown_once(place: Place) -> None:
    browser = administrator(place)
    answer = browser.submit("/subscribers/+new", **NEW)

    assert answer.status_code == httpx.codes.OK
    key, secret, public = SECRET.findall(answer.text)
    assert (key[:6], secret[:6], public[:5]) == ("tysub_", "whsec_", "whpk_")
    one = only(place)
    assert (one["name"], one["contact"], one["url"], one["from_position"]) == (NAME, "数据科", ADDRESS, 0)
    assert one["filters"] == [{"exact": {"kind": "item"}}, {"prefix": {"department": "1133"}}]
    for path in ("/subscribers", f"/subscribers/{one['id']}"):
        shown = browser.get(path).text
        assert NAME in shown
        assert key not in shown
        assert secret not in shown
    feed = service_of(place).http.get("/v1/feed", headers={"Authorization": f"Bearer {key}"})
    assert feed.status_code == httpx.codes.OK


def test_a_refused_form_names_each_field_in_chinese_and_loses_nothing(place: Place) -> None:
    typed = {**NEW, "url": "http://10.0.0.9/x", "filters": '[{"colour": {}}]', "kinds": [], "departments": ""}
    answer = administrator(place).submit("/subscribers/+new", **typed)

    assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    assert "filters" in re.findall(r'<a href="#(\w+)">', answer.text)
    assert "0：只能用 exact、prefix、any、all、not" in words_of(answer.text)
    for value in (
        NAME,
        "数据科",
        "http://10.0.0.9/x",
        '[{"colour": {}}]',
    ):
        assert value in html.unescape(answer.text), value
    assert re.search(r'value="webhook" checked', answer.text)
    assert service_of(place).http.get("/v1/subscriptions").json()["subscriptions"] == []


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("url", "https://10.0.0.9/x", "不是公网地址"),
        ("url", "https://user@hooks.example/x", "应为 https://主机/路径"),
        ("position", "7", "应为 0 到 0"),
    ],
)
def test_what_only_the_service_knows_is_told_at_its_field(place: Place, field: str, value: str, said: str) -> None:
    start = {"start": "position"} if field == "position" else {}
    answer = administrator(place).submit("/subscribers/+new", **{**NEW, **start, field: value})

    assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    assert re.search(rf'id="{field}-error">{said}', answer.text)


def test_a_name_that_is_taken_and_a_service_that_is_down_keep_what_was_typed(place: Place) -> None:
    browser = administrator(place)
    service_of(place).add(NAME)
    taken = browser.submit("/subscribers/+new", **NEW)
    place[0].down.add("subscriptions")
    down = browser.submit("/subscribers/+new", **NEW)

    assert (taken.status_code, f"已有名为“{NAME}”的订阅" in taken.text) == (httpx.codes.CONFLICT, True)
    assert (down.status_code >= httpx.codes.INTERNAL_SERVER_ERROR, DOWN in down.text) == (True, True)
    for answer in (taken, down):
        assert "1133" in answer.text
        assert ADDRESS in answer.text
    listed = browser.get("/subscribers")
    assert listed.status_code == httpx.codes.OK
    assert "状态未知" in listed.text


def test_the_list_tells_who_is_paused_who_stands_still_and_how_far_each_is_behind(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lag, "STILL", timedelta(0))
    service = service_of(place)
    service.add("甲只拉取")
    standing, paused = (
        service.webhook("http://127.0.0.1:9/x", "乙停滞"),
        service.webhook("http://127.0.0.1:9/y", "丙暂停"),
    )
    service.http.post(f"/v1/subscriptions/{paused['id']}/pause", params={"reason": "对方搬迁"})
    place[0].county.release(item(1))
    service.flow()
    service.parts.sender.queue.fill()
    found = {one["name"]: one["lag"] for one in operator(place).get("/v1/subscribers").json()["subscriptions"]}

    assert found["甲只拉取"] == {"events": None, "at_most": False, "since": None, "standing": False}
    assert (found["乙停滞"]["events"], found["乙停滞"]["at_most"], found["乙停滞"]["standing"]) == (1, False, True)
    assert (found["丙暂停"]["events"], found["丙暂停"]["at_most"]) == (2, True)
    rows = [words_of(row) for row in operator(place).get("/subscribers").text.split("<tr>")[2:]]
    assert [row.split()[0] for row in rows] == ["丙暂停", "乙停滞", "甲只拉取"]
    assert "✗ 已暂停：对方搬迁" in rows[0]
    assert "最多 2 条" in rows[0]
    assert "✗ 停滞" in rows[1]
    assert "✓ 正常 自行拉取 全部事件 未知 未知 未知" in rows[2]
    assert standing["id"] in operator(place).get("/subscribers").text


def test_a_delivery_is_shown_with_request_and_answer_and_is_sent_again(place: Place) -> None:
    hook, browser = delivered(place), operator(place)
    one = browser.get(f"/subscribers/{hook['id']}")
    position = service_of(place).deliveries(hook)[0]["position"]
    calls = browser.get(f"/subscribers/{hook['id']}/deliveries/{position}")

    assert f"item:{code_of(1)}/1" in one.text
    assert "事项：发布" in one.text
    assert "webhook-signature: v1," in calls.text
    assert "回答状态 204" in words_of(calls.text)

    sent = {"first": str(position), "last": str(position), "everything": "1", "from": "delivery"}
    again = browser.submit(f"/subscribers/{hook['id']}/redeliver", **sent)
    assert again.headers["location"].endswith(f"/deliveries/{position}?opened=1")
    assert service_of(place).deliveries(hook)[0]["state"] == "open"
    nothing = browser.get(browser.submit(f"/subscribers/{hook['id']}/redeliver", **sent).headers["location"][8:])
    assert "没有可以再送的" in nothing.text


def test_a_range_that_is_wrong_is_told_and_kept(place: Place) -> None:
    hook = service_of(place).webhook(ADDRESS, NAME)
    answer = operator(place).submit(f"/subscribers/{hook['id']}/redeliver", first="9", last="3")

    assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    assert "应在 first 之后" in answer.text
    assert re.search(r'id="first"[^>]*value="9"', answer.text)


def test_pausing_needs_a_reason_and_resuming_lets_it_go_on(place: Place) -> None:
    hook, browser = service_of(place).webhook(ADDRESS, NAME), operator(place)
    refused = browser.submit(f"/subscribers/{hook['id']}/pause", reason=" ")
    paused = browser.submit(f"/subscribers/{hook['id']}/pause", reason="对方升级")

    assert refused.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    assert "请写明理由" in refused.text
    assert "一条也不丢" in refused.text
    assert paused.headers["location"] == f"/console/subscribers/{hook['id']}?done=paused"
    assert (only(place)["state"], only(place)["reason"]) == ("paused", "对方升级")
    browser.submit(f"/subscribers/{hook['id']}/resume")
    assert (only(place)["state"], only(place)["reason"]) == ("active", None)


def test_a_test_event_names_nobody_of_the_staff(place: Place) -> None:
    made = service_of(place).add(NAME)
    operator(place).submit(f"/subscribers/{made['id']}/test")

    (event,) = service_of(place).feed(made).json()["events"]
    assert event["type"] == "tongyuan.subscription.test"
    assert event["data"] == {"subscription": made["id"]}


def test_a_change_is_saved_over_nothing_that_its_author_has_not_seen(place: Place) -> None:
    hook, browser = service_of(place).webhook(ADDRESS, NAME), administrator(place)
    form = {
        "contact": "新科室",
        "url": ADDRESS,
        "rate": "5",
        "payload_limit": "9000",
        "ops": ["release"],
        "revision": "1",
    }
    saved = browser.submit(f"/subscribers/{hook['id']}/change", **form)
    late = browser.submit(f"/subscribers/{hook['id']}/change", **{**form, "contact": "另一科室"})

    assert saved.headers["location"].endswith("?done=changed")
    one = only(place)
    assert (one["contact"], one["rate"], one["filters"]) == ("新科室", 5, [{"exact": {"op": "release"}}])
    assert late.status_code == httpx.codes.CONFLICT
    assert "订阅已被改过" in late.text
    assert "另一科室" in late.text
    assert 'name="revision" value="1"' in late.text, "a second try with the newer revision would overwrite unseen"


def test_keys_are_added_and_revoked_and_secrets_rotated(place: Place) -> None:
    hook, browser = service_of(place).webhook(ADDRESS, NAME), administrator(place)
    there = f"/subscribers/{hook['id']}"
    (key,) = SECRET.findall(browser.submit(f"{there}/keys", scopes=["feed"], days="30", old_keys_hours="0").text)
    rotated = browser.submit(f"{there}/secrets", overlap_hours="24")

    assert service_of(place).feed(hook).status_code == httpx.codes.UNAUTHORIZED, "the old key has ended"
    assert service_of(place).feed({"key": key}).status_code == httpx.codes.OK
    assert [one.partition("_")[0] for one in SECRET.findall(rotated.text)] == ["whsec", "whpk"]
    assert "同时签名到" in rotated.text
    assert [one["generation"] for one in service_of(place).one(hook)["webhook_keys"]] == [2, 1]

    newest = service_of(place).one(hook)["keys"][-1]["id"]
    browser.submit(f"{there}/keys/{newest}/revoke")
    assert service_of(place).feed({"key": key}).status_code == httpx.codes.UNAUTHORIZED


def test_a_revoked_subscriber_is_still_listed_and_nothing_can_be_done_with_it(place: Place) -> None:
    made = service_of(place).webhook(ADDRESS, NAME)
    browser = administrator(place)
    browser.submit(f"/subscribers/{made['id']}/revoke")
    one = browser.get(f"/subscribers/{made['id']}")

    assert service_of(place).feed(made).status_code == httpx.codes.UNAUTHORIZED
    assert "已撤销（1）" in browser.get("/subscribers").text
    assert one.status_code == httpx.codes.OK
    assert 'method="post" action="/console/subscribers' not in one.text


def test_each_role_sees_and_does_what_is_its_own(place: Place) -> None:
    made = service_of(place).webhook(ADDRESS, NAME)
    there = f"/subscribers/{made['id']}"

    def forms(browser: Browser) -> set[str]:
        return set(re.findall(rf'action="/console{there}/(\w+)', browser.get(there).text))

    assert forms(auditor(place)) == set()
    assert forms(operator(place)) == {"test", "pause", "redeliver"}
    assert forms(administrator(place)) == {"test", "pause", "redeliver", "keys", "secrets", "change", "revoke"}
    assert place[1].session("bianji").get("/subscribers").status_code == httpx.codes.FORBIDDEN
    assert operator(place).submit("/subscribers/+new", **NEW).status_code == httpx.codes.FORBIDDEN
    assert "/console/subscribers" not in place[1].session("bianji").get("/").text


def test_programs_do_the_same_as_json_and_audit_tells_what_was_done(place: Place) -> None:
    browser = administrator(place)
    content = {"name": NAME, "delivery": "webhook", "url": ADDRESS}
    made = browser.call("POST", "/v1/subscribers", content).json()
    there = f"/v1/subscribers/{made['id']}"

    assert made["webhook"]["secret"].startswith("whsec_")
    assert browser.call("POST", f"{there}/pause?reason=搬迁").json()["state"] == "paused"
    assert browser.call("POST", f"{there}/resume").json()["state"] == "active"
    assert browser.call("PUT", there, {"rate": 7}).json()["rate"] == 7
    assert browser.call("POST", f"{there}/test").json()["position"] == 3
    assert browser.call("POST", f"{there}/redeliveries", {"first": 1, "last": 9}).json() == {"opened": 0}
    assert browser.call("POST", f"{there}/keys", {"scopes": ["feed"]}).json()["key"].startswith("tysub_")
    assert browser.call("POST", f"{there}/secrets", {}).json()["generation"] == 2
    assert [one["id"] for one in browser.get("/v1/subscribers").json()["subscriptions"]] == [made["id"]]
    assert browser.get(f"{there}/deliveries").json()["deliveries"] == []
    key = browser.get(there).json()["keys"][0]["id"]
    assert browser.call("DELETE", f"{there}/keys/{key}").status_code == httpx.codes.NO_CONTENT
    assert browser.call("DELETE", there).status_code == httpx.codes.NO_CONTENT

    page = words_of(auditor(place).get(f"/audit?log=subscriptions&thing={made['id']}").text)
    for said in (
        "新建订阅",
        "暂停推送",
        "恢复推送",
        "修改订阅",
        "发测试事件",
        "重送事件",
        "更换推送的签名密钥",
        "撤销订阅",
    ):
        assert said in page, said
