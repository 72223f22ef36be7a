"""Webhooks: signed calls in order of keys, retries, pauses, the delivery log, and redelivery."""

import hmac
from base64 import b64decode, b64encode
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from prometheus_client import REGISTRY

from services.subscriptions.keys import MasterKey
from services.subscriptions.webhooks.calling import Calling, Keeping
from services.subscriptions.webhooks.queue import DeliveryQueue
from shared.webhooks.addresses import AddressRules
from shared.webhooks.signatures import verified
from tests.harness.pipeline import Pipeline, code_of, item, pipeline
from tests.harness.receivers import Call, Receiver, receiver, status
from tests.harness.subscribers import Subscribers, quick, subscribers

OK, BUSY = status(204), status(503)


@pytest.fixture
def county(tmp_path: Path) -> Iterator[Pipeline]:
    with pipeline(tmp_path / "county", channels=()) as made:
        yield made


@pytest.fixture
def service(county: Pipeline, tmp_path: Path) -> Iterator[Subscribers]:
    with subscribers(county, tmp_path) as made:
        yield made


def key(number: int = 1) -> str:
    return f"item:{code_of(number)}"


def release(service: Subscribers, *numbers: int, name: str = "居民身份证办理") -> None:
    for number in numbers:
        service.county.release(item(number, name=name))
    service.flow()


def ended(service: Subscribers, hook: Any) -> bool:
    # One reading of the row: mark and open deliveries change together.
    position, row = service.parts.log.state().position, service.one(hook)
    return bool(row["open"] == 0 and row["queued"] == position)


def is_paused(service: Subscribers, hook: Any) -> bool:
    return bool(service.one(hook)["state"] == "paused")


def is_signed_by(secret: str, call: Call) -> bool:
    """Whether a call has the `v1` signature, computed here as the specification says it."""
    content = f"{call.id}.{call.headers['webhook-timestamp']}.".encode() + call.body
    mac = hmac.digest(b64decode(secret.removeprefix("whsec_")), content, "sha256")
    return f"v1,{b64encode(mac).decode()}" in call.headers["webhook-signature"].split(" ")


def at(call: Call) -> float:
    return float(call.headers["webhook-timestamp"])


def test_a_call_is_the_event_of_the_feed_signed_in_both_ways(service: Subscribers) -> None:
    with receiver(OK) as there:
        hook = service.webhook(there.url)
        release(service, 1)
        service.until(lambda: ended(service, hook), "one call")

    (call,) = there.calls
    assert orjson.loads(call.body) == service.feed(hook).json()["events"][0]
    assert call.id == f"{key()}/1"
    assert is_signed_by(hook["webhook"]["secret"], call)
    assert verified(call.headers, call.body, [hook["webhook"]["public_key"]], at(call))
    assert not verified(call.headers, call.body + b" ", [hook["webhook"]["public_key"]], at(call))


def test_after_a_rotation_old_and_new_secrets_verify_until_the_overlap_is_over(service: Subscribers) -> None:
    with receiver(OK) as there:
        hook = service.webhook(there.url)
        new = service.http.post(f"/v1/subscriptions/{hook['id']}/secrets", json={"overlap_hours": 1}).json()
        release(service, 1)
        service.until(lambda: ended(service, hook), "a call in the overlap")
        service.execute("UPDATE signing SET signs_until = '2020-01-01T00:00:00.000000Z' WHERE generation = 1")
        release(service, 2)
        service.until(lambda: ended(service, hook), "a call after the overlap")

    during, after = there.calls
    old_key, new_key = hook["webhook"]["public_key"], new["public_key"]
    for one in (hook["webhook"]["secret"], new["secret"]):
        assert is_signed_by(one, during)
    assert [verified(during.headers, during.body, [one], at(during)) for one in (old_key, new_key)] == [True, True]
    assert [verified(after.headers, after.body, [one], at(after)) for one in (old_key, new_key)] == [False, True]


def test_no_secret_is_in_the_store(service: Subscribers, tmp_path: Path) -> None:
    hook = service.webhook("http://127.0.0.1:9/")
    service.close()
    content = b"".join(file.read_bytes() for file in tmp_path.glob("subscriptions.db*"))

    assert hook["id"].encode() in content
    assert hook["key"].encode() not in content
    assert hook["webhook"]["secret"].removeprefix("whsec_").encode() not in content


def test_a_failing_key_holds_up_itself_and_no_other(service: Subscribers) -> None:
    with picky(key(1)) as there:
        hook = service.webhook(there.url)
        service.serve(quick((0.0, 3600.0)))
        release(service, 1, 2)
        release(service, 1, 2, 3, name="新名称")
        service.until(lambda: service.one(hook)["open"] == 2 and len(there.calls) == 5, "all other keys")

    told = [call.id for call in there.calls if key(1) not in call.id]
    assert sorted(told) == sorted([f"{key(2)}/1", f"{key(2)}/2", f"{key(3)}/1"])
    assert told.index(f"{key(2)}/1") < told.index(f"{key(2)}/2")
    assert [call.id for call in there.calls if key(1) in call.id] == [f"{key(1)}/1"] * 2


def test_a_failed_call_is_tried_again_with_the_same_id_and_a_new_time(service: Subscribers) -> None:
    with receiver(status(500), status(500), OK) as there:
        hook = service.webhook(there.url)
        release(service, 1)
        service.until(lambda: ended(service, hook), "the third call")

    assert [call.id for call in there.calls] == [f"{key()}/1"] * 3
    (delivery,) = service.deliveries(hook)
    assert (delivery["state"], delivery["attempts"]) == ("delivered", 2)


def test_the_webhook_rests_as_long_as_the_receiver_asks(service: Subscribers) -> None:
    with receiver(status(429, "Retry-After: 3600"), OK) as there:
        hook = service.webhook(there.url)
        release(service, 1)
        service.until(lambda: service.one(hook)["hold_until"], "the wish to wait")
        release(service, 2)
        with service.sending():
            service.parts.sender.queue.fill()
            assert service.parts.sender.queue.waiting() == []

    assert len(there.calls) == 1


def test_410_pauses_at_once_and_nothing_is_lost(service: Subscribers) -> None:
    with receiver(status(410), OK) as there:
        hook = service.webhook(there.url)
        release(service, 1)
        service.until(lambda: is_paused(service, hook), "the pause")
        assert "410" in service.one(hook)["reason"]
        service.http.post(f"/v1/subscriptions/{hook['id']}/resume")
        service.until(lambda: ended(service, hook), "the rest")

    assert [call.id for call in there.calls if call.id.startswith(key())] == [f"{key()}/1"] * 2


def test_after_three_days_of_failure_a_webhook_is_paused_by_metric_log_and_event(
    service: Subscribers, capsys: pytest.CaptureFixture[str]
) -> None:
    before = _calls("paused")
    with receiver(status(500)) as there:
        hook = service.webhook(there.url)
        release(service, 1)
        service.until(lambda: is_paused(service, hook), "the pause")

    assert len(there.calls) == 10
    assert _calls("paused") == before + 1
    assert "a webhook is paused" in capsys.readouterr().out
    assert [event["type"] for event in service.feed(hook).json()["events"]][-1] == "tongyuan.subscription.paused"
    assert [delivery["state"] for delivery in service.deliveries(hook)] == ["open"]
    rows = service.http.get("/v1/audit", params={"action": "subscription.pause"}).json()["rows"]
    assert len(rows) == 1


def test_one_event_that_is_always_refused_is_given_up_while_others_succeed_and_can_be_sent_again(
    service: Subscribers,
) -> None:
    with picky(key(1)) as there:
        hook = service.webhook(there.url)
        release(service, 2)
        release(service, 1)
        service.until(lambda: service.deliveries(hook, "given_up"), "the last try")
        assert not is_paused(service, hook)
        (lost,) = service.deliveries(hook, "given_up")
        there.refused = ""
        sent = {"first": 1, "last": lost["position"]}
        answer = service.http.post(f"/v1/subscriptions/{hook['id']}/redeliveries", json=sent)
        service.until(lambda: ended(service, hook), "the redelivery")

    assert answer.json() == {"opened": 1}
    assert {delivery["state"] for delivery in service.deliveries(hook)} == {"delivered"}
    assert "tongyuan.subscription.undelivered" in service.feed(hook).text


def test_a_range_of_what_was_delivered_is_sent_again_with_the_same_ids(service: Subscribers) -> None:
    with receiver(OK) as there:
        hook = service.webhook(there.url)
        release(service, 1, 2, 3)
        service.until(lambda: ended(service, hook), "three calls")
        sent = {"first": 2, "last": 3, "everything": True}
        service.http.post(f"/v1/subscriptions/{hook['id']}/redeliveries", json=sent)
        service.until(lambda: ended(service, hook), "two more")

    assert sorted(call.id for call in there.calls[3:]) == [f"{key(2)}/1", f"{key(3)}/1"]


def test_a_redirect_is_a_failure_and_not_followed(service: Subscribers) -> None:
    with receiver(OK) as elsewhere, receiver(status(302, f"Location: {elsewhere.url}"), OK) as there:
        hook = service.webhook(there.url)
        release(service, 1)
        service.until(lambda: ended(service, hook), "the second call")

    assert (len(there.calls), len(elsewhere.calls)) == (2, 0)


def test_a_name_that_leads_inside_is_not_called_whatever_it_led_to_before(service: Subscribers) -> None:
    asked: list[str] = []

    def resolve(name: str, _port: int) -> list[str]:
        asked.append(name)
        return ["1.1.1.1", "10.0.0.7"]

    service.serve(quick((3600.0,), resolve))
    hook = service.webhook("https://hooks.example.gov.cn/x")
    release(service, 1)
    service.until(lambda: service.one(hook)["failed_at"], "the refusal")

    (call,) = service.calls(hook, 1)
    assert asked == ["hooks.example.gov.cn"]
    assert call["status"] is None
    assert "公网" in call["problem"]


def test_the_address_that_was_checked_is_the_one_that_is_called(service: Subscribers) -> None:
    answers = iter([["127.0.0.1"]])
    with receiver(OK) as there:
        service.serve(quick(resolve=lambda _name, _port: next(answers)))
        hook = service.webhook(f"http://hooks.example.gov.cn:{there.port}/x")
        release(service, 1)
        service.until(lambda: ended(service, hook), "the call")

    assert there.calls[0].headers["host"] == f"hooks.example.gov.cn:{there.port}"


def test_the_delivery_log_shows_request_and_answer_without_personal_numbers(service: Subscribers) -> None:
    body = "失败：13812345678".encode()
    said = b"HTTP/1.1 500 Whatever\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body
    with receiver(said, OK) as there:
        hook = service.webhook(there.url)
        release(service, 1)
        service.until(lambda: ended(service, hook), "the second call")

    failed, good = service.calls(hook, 1)
    assert (failed["status"], failed["problem"], good["problem"]) == (500, "status 500", None)
    assert f"webhook-id: {key()}/1" in failed["request"]
    assert "失败" in failed["answer"]
    assert "13812345678" not in failed["answer"]


def test_the_delivery_log_loses_texts_first_then_rows_by_its_settings_and_nothing_that_is_open(
    service: Subscribers,
) -> None:
    with receiver(OK) as there:
        hook = service.webhook(there.url)
        release(service, 1, 2)
        service.until(lambda: ended(service, hook), "two calls")
    release(service, 3)
    service.parts.sender.queue.fill()
    keeping = Keeping(timedelta(days=2), timedelta(days=5))
    calling = Calling(AddressRules(), (), keeping=keeping)
    queue = DeliveryQueue(service.parts.log, MasterKey(service.folder / "webhook-key"), calling)
    days = "strftime('%Y-%m-%dT%H:%M:%f000Z', 'now', '-{} days')"
    service.execute(f"UPDATE attempt SET at = {days.format(6)} WHERE position = 1")
    service.execute(f"UPDATE attempt SET at = {days.format(3)} WHERE position = 2")
    service.execute(f"UPDATE delivery SET created_at = {days.format(6)}")
    service.execute(f"UPDATE delivery SET done_at = {days.format(6)} WHERE position = 1")
    before = pruned()
    queue.prune()

    assert service.calls(hook, 1) == []
    assert [(call["status"], call["request"], call["answer"]) for call in service.calls(hook, 2)] == [(204, None, None)]
    assert [(one["position"], one["state"]) for one in service.deliveries(hook)] == [(2, "delivered"), (3, "open")]
    assert {part: count - before[part] for part, count in pruned().items()} == {"texts": 2, "calls": 1, "deliveries": 1}


def pruned() -> dict[str, float]:
    """What the metric counts."""
    name = "tongyuan_webhook_pruned_total"
    return {part: REGISTRY.get_sample_value(name, {"part": part}) or 0 for part in ("texts", "calls", "deliveries")}


def test_a_test_event_comes_to_this_subscription_only(service: Subscribers) -> None:
    other = service.add("另一个", start="everything")
    with receiver(OK) as there:
        hook = service.webhook(there.url, filters=[{"exact": {"kind": "guide"}}])
        service.http.post(f"/v1/subscriptions/{hook['id']}/test")
        service.until(lambda: ended(service, hook), "the test event")

    assert orjson.loads(there.calls[0].body)["type"] == "tongyuan.subscription.test"
    assert service.events(other) == []


def test_a_large_event_is_sent_without_its_body_and_says_where_it_is(service: Subscribers) -> None:
    with receiver(OK) as there:
        hook = service.webhook(there.url, payload_limit=4096)
        release(service, 1, name="长" * 900)
        service.until(lambda: ended(service, hook), "the call")

    sent = orjson.loads(there.calls[0].body)
    assert len(there.calls[0].body) <= 4096
    assert (sent["data"]["body"], sent["data"]["key"], sent["dataref"]) == (None, key(), "/ledger/v1/entries/1")


def test_a_webhook_is_called_no_faster_than_its_rate(service: Subscribers) -> None:
    with receiver(OK) as there:
        hook = service.webhook(there.url, rate=2)
        release(service, *range(1, 7))
        service.until(lambda: ended(service, hook), "six calls")

    rows = service.execute("SELECT min(at), max(at) FROM attempt")
    assert rows[0][0][:19] < rows[0][1][:19]
    assert len(there.calls) == 6


def test_a_paused_webhook_is_not_called_and_gets_everything_after_the_pause(service: Subscribers) -> None:
    with receiver(OK) as there:
        hook = service.webhook(there.url)
        service.http.post(f"/v1/subscriptions/{hook['id']}/pause", params={"reason": "对方维护"})
        release(service, 1, 2)
        with service.sending():
            service.parts.sender.queue.fill()
            assert service.parts.sender.queue.waiting() == []
        service.http.post(f"/v1/subscriptions/{hook['id']}/resume")
        service.until(lambda: ended(service, hook), "what waited")

    told = [orjson.loads(call.body)["type"] for call in there.calls]
    assert told.count("tongyuan.item.released") == 2


def test_a_webhook_that_stands_still_is_in_log_and_metric_and_leaves_them_when_it_goes_on(
    service: Subscribers, capsys: pytest.CaptureFixture[str]
) -> None:
    with receiver(status(500), OK) as there:
        hook = service.webhook(there.url)
        service.serve(quick((3600.0,)))
        release(service, 1)
        service.until(lambda: service.one(hook)["failed_at"], "the failure")
        service.parts.watch.look()
        standing = REGISTRY.get_sample_value("tongyuan_webhooks_standing")
        logged = capsys.readouterr().out
        service.execute("UPDATE delivery SET next_at = created_at")
        service.until(lambda: ended(service, hook), "the success")
        service.parts.watch.look()

    assert standing == 1
    assert "a webhook stands still" in logged
    assert REGISTRY.get_sample_value("tongyuan_webhooks_standing") == 0


def test_a_sender_that_does_not_run_is_noticed_too(service: Subscribers) -> None:
    service.webhook("http://127.0.0.1:9/")
    release(service, 1)
    service.parts.watch.look()

    assert REGISTRY.get_sample_value("tongyuan_webhooks_standing") == 1


def _calls(outcome: str) -> float:
    return REGISTRY.get_sample_value("tongyuan_webhook_calls_total", {"outcome": outcome}) or 0.0


class Picky(Receiver):
    """Refuses every call whose id contains `refused`."""

    refused = ""

    def _answer(self, connection: Any) -> None:
        mine = self.calls[-1]
        connection.sendall(status(500) if self.refused and self.refused in mine.id else OK)


class picky:  # noqa: N801  # a context manager, used like `receiver`
    """Run a picky receiver that is closed at the end."""

    def __init__(self, refused: str) -> None:
        self._made = Picky([OK])
        self._made.refused = refused

    def __enter__(self) -> Picky:
        return self._made

    def __exit__(self, *_error: object) -> None:
        self._made.close()
