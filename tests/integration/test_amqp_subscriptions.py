"""Integrators' queues on a real broker: what is in them, what an account may do, replay, rotation and revocation."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import httpx
import pika
import pytest
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import AMQPError

from contracts.topology import INTEGRATORS_EXCHANGE, PUBLICATIONS_EXCHANGE
from tests.harness.broker_queues import ready
from tests.harness.integrators import Integrator, IntegratorBroker, QueueSubscribers, refused
from tests.harness.pipeline import TESTER, Pipeline, code_of, guide, item, pipeline, progress
from tests.harness.rabbitmq import PrivateRabbit

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("amqp-subscriptions")]

SOON = timedelta(hours=1)


@pytest.fixture
def county(tmp_path: Path) -> Iterator[Pipeline]:
    with pipeline(tmp_path / "county", channels=()) as made:
        yield made


@pytest.fixture(scope="module")
def broker(rabbitmq: PrivateRabbit, tmp_path_factory: pytest.TempPathFactory) -> IntegratorBroker:
    return IntegratorBroker(rabbitmq, tmp_path_factory.mktemp("broker"))


@pytest.fixture
def service(county: Pipeline, broker: IntegratorBroker, tmp_path: Path) -> Iterator[QueueSubscribers]:
    made = QueueSubscribers(county, tmp_path, broker)
    yield made
    made.close()


def key(number: int = 1) -> str:
    return f"item:{code_of(number)}"


def release(service: QueueSubscribers, *numbers: int, name: str = "居民身份证办理") -> None:
    for number in numbers:
        service.county.release(item(number, name=name))
    service.flow()


def test_a_message_is_the_event_of_the_feed_with_what_a_reader_needs_to_recognise_it(
    service: QueueSubscribers,
) -> None:
    one = service.integrator()
    release(service, 1)
    service.feed_all(one)

    (message,) = one.take(1)
    event = service.feed(one.subscription).json()["events"][0]
    assert message.event == event
    assert message.id == event["id"] == f"{key()}/1"
    assert message.properties.content_type == "application/cloudevents+json"
    epoch = service.http.get("/v1/log").json()["epoch"]
    assert message.properties.headers == {"sequence": 1, "epoch": epoch}


def test_nothing_is_sent_before_the_operator_has_made_queue_and_account(service: QueueSubscribers) -> None:
    made = service.add(delivery="amqp", start="everything")
    release(service, 1)
    assert made["state"] == "paused"
    assert "rotate-password" in made["reason"]
    ready_one = service.integrator("另一系统")
    service.feed_all(ready_one)
    assert service.one(made)["queued"] == 0


def test_each_subscription_gets_what_its_filters_want_and_the_mark_passes_the_rest(
    service: QueueSubscribers,
) -> None:
    guides = service.integrator("指南", filters=[{"exact": {"kind": "guide"}}])
    everything = service.integrator("全部")
    service.county.release(item())
    service.county.release(guide())
    service.flow()
    service.feed_all(guides, everything)

    assert [one.event["subject"] for one in guides.take(1)] == [f"guide:{code_of(1)}"]
    assert [one.event["subject"] for one in everything.take(2)] == [key(), f"guide:{code_of(1)}"]
    assert [ready(service.broker.admin_url, one.queue) for one in (guides, everything)] == [0, 0]


def test_a_large_event_comes_without_its_body_and_says_where_it_is(service: QueueSubscribers) -> None:
    one = service.integrator(payload_limit=4096)
    release(service, 1, name="很长" * 450)
    service.feed_all(one)

    (message,) = one.take(1)
    assert message.event["data"]["body"] is None
    assert message.event["dataref"] == f"/ledger/v1/entries/{message.event['data']['position']}"


def test_nothing_unreleased_embargoed_or_personal_is_in_a_queue(service: QueueSubscribers) -> None:
    one = service.integrator()
    draft = item(1, name="金丝雀草稿")
    service.county.catalog.save_item(TESTER, draft.code, draft.model_dump(mode="json"), None)
    service.county.release(item(2, name="金丝雀未到期"), effective_at=datetime.now(UTC) + SOON)
    service.county.release_case(progress())
    case = service.county.release_case(None, 2)
    release(service, 3, name="可以公开")
    service.feed_all(one)

    bodies = b"".join(message.body for message in one.take(1))
    assert ready(service.broker.admin_url, one.queue) == 0
    assert "可以公开".encode() in bodies
    for canary in ("金丝雀", case, "application:"):
        assert canary.encode() not in bodies


def test_a_reader_that_returns_a_message_more_often_than_the_broker_allows_by_default_loses_nothing(
    service: QueueSubscribers,
) -> None:
    one = service.integrator()
    release(service, 1)
    service.feed_all(one)
    with one.channel() as opened:
        for number, (method, _, _) in enumerate(opened.consume(one.queue, inactivity_timeout=10)):
            assert method is not None
            if number == 25:
                break
            opened.basic_reject(method.delivery_tag, requeue=True)
    assert [message.id for message in one.take(1)] == [f"{key()}/1"]


def test_a_reader_that_comes_back_gets_what_its_broken_connection_had_before_anything_newer(
    service: QueueSubscribers,
) -> None:
    one = service.integrator()
    for version in ("一", "二", "三", "四", "五"):
        release(service, 1, name=f"第{version}版")
    service.feed_all(one)
    assert [one.take(1)[0].id for _ in range(5)] == [f"{key()}/{version}" for version in range(1, 6)]


FORBIDDEN: dict[str, Callable[[BlockingChannel, str, str], object]] = {
    "read another subscription's queue": lambda c, _own, other: c.basic_consume(other, lambda *_: None),
    "get from another subscription's queue": lambda c, _own, other: c.basic_get(other),
    "read a channel's queue": lambda c, _own, _other: c.basic_consume("web.publications", lambda *_: None),
    "read dead letters": lambda c, _own, _other: c.basic_get("dead.web.publications"),
    "declare a queue": lambda c, _own, _other: c.queue_declare("mine"),
    "declare an exclusive queue": lambda c, _own, _other: c.queue_declare("", exclusive=True),
    "declare an exchange": lambda c, _own, _other: c.exchange_declare("mine"),
    "delete its queue": lambda c, own, _other: c.queue_delete(own),
    "purge another queue": lambda c, _own, other: c.queue_purge(other),
    "bind its queue to the ledger's publications": lambda c, own, _o: c.queue_bind(own, PUBLICATIONS_EXCHANGE, "#"),
    "bind its queue to another subscription": lambda c, own, other: c.queue_bind(own, INTEGRATORS_EXCHANGE, other),
    "unbind its queue": lambda c, own, _other: c.queue_unbind(own, INTEGRATORS_EXCHANGE, own.split(".")[1]),
    "publish to the ledger's publications": lambda c, _own, _o: c.basic_publish(PUBLICATIONS_EXCHANGE, "x", b""),
    "publish as subscriptions": lambda c, own, _o: c.basic_publish(INTEGRATORS_EXCHANGE, own.split(".")[1], b""),
    "publish past every exchange": lambda c, own, _other: c.basic_publish("", own, b""),
    "publish as a source": lambda c, _own, _other: c.basic_publish("tongyuan.sources", "339921000000.item.x", b""),
    "report as a hall": lambda c, _own, _other: c.basic_publish("tongyuan.intake", "raw", b""),
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_an_integrators_account_may_not(what: str, forbidden: tuple[Integrator, Integrator]) -> None:
    one, other = forbidden
    with one.channel() as opened:
        opened.confirm_delivery()
        said = refused(lambda: FORBIDDEN[what](opened, one.queue, other.queue))
    assert "ACCESS_REFUSED" in said, what


@pytest.fixture(scope="module")
def forbidden(
    broker: IntegratorBroker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Integrator, Integrator]]:
    folder = tmp_path_factory.mktemp("forbidden")
    with pipeline(folder / "county", channels=()) as county:
        service = QueueSubscribers(county, folder, broker)
        yield service.integrator("一"), service.integrator("二")
        service.close()


def test_an_integrators_account_sees_nothing_of_the_management(forbidden: tuple[Integrator, Integrator]) -> None:
    one, _ = forbidden
    base = one.broker.rabbit.management_url.rpartition("@")[2]
    assert one.login.password is not None
    for path in ("whoami", "queues", "users", "definitions", "connections"):
        login = (one.login.account, one.login.password)
        answer = httpx.get(f"http://{base}/api/{path}", auth=login, trust_env=False, timeout=30)
        assert answer.status_code == 401, path


def test_an_integrators_account_has_a_bounded_number_of_connections(forbidden: tuple[Integrator, Integrator]) -> None:
    one, _ = forbidden
    opened = [pika.BlockingConnection(pika.URLParameters(one.url)) for _ in range(5)]
    with pytest.raises(AMQPError, match="connection"):
        pika.BlockingConnection(pika.URLParameters(one.url))
    for connection in opened:
        connection.close()


def test_an_account_opens_no_other_vhost(forbidden: tuple[Integrator, Integrator]) -> None:
    one, _ = forbidden
    elsewhere = one.broker.rabbit.url_of("%2F", one.login.account, one.login.password)
    with pytest.raises(AMQPError, match=r"(?i)not_allowed|access"):
        pika.BlockingConnection(pika.URLParameters(elsewhere))


def test_the_service_itself_can_make_no_queue_and_read_none(forbidden: tuple[Integrator, Integrator]) -> None:
    one, _ = forbidden
    attempts: list[Callable[[BlockingChannel], object]] = [
        lambda opened: opened.queue_declare("integrators.mine"),
        lambda opened: opened.queue_bind(one.queue, INTEGRATORS_EXCHANGE, "x"),
        lambda opened: opened.queue_delete(one.queue),
        lambda opened: opened.basic_get(one.queue),
        lambda opened: opened.basic_publish(PUBLICATIONS_EXCHANGE, "x", b""),
    ]
    for attempt in attempts:
        connection = pika.BlockingConnection(pika.URLParameters(one.broker.url("subscriptions")))
        opened = connection.channel()
        opened.confirm_delivery()
        assert "ACCESS_REFUSED" in refused(partial(attempt, opened))
        connection.close()


def test_a_replay_sends_everything_after_a_position_again_in_order_with_the_same_ids(
    service: QueueSubscribers,
) -> None:
    one = service.integrator()
    release(service, 1, 2, 3)
    service.feed_all(one)
    first = [message.id for message in one.take(3)]
    path = f"/v1/subscriptions/{one.id}/replays"

    assert service.http.post(path, json={"after": 1}).json()["queued"] == 1
    service.feed_all(one)
    assert [message.id for message in one.take(2)] == first[1:]
    ahead = service.http.post(path, json={"after": 4})
    assert (ahead.status_code, ahead.json()["errors"][0]["field"]) == (422, "after")


def test_a_new_epoch_is_in_the_header_and_everything_comes_once_more(service: QueueSubscribers) -> None:
    one = service.integrator()
    release(service, 1, 2)
    service.feed_all(one)
    before = one.take(2)
    begun = service.http.post("/v1/log/restart", params={"reason": "演练"}).json()["epoch"]
    service.read()
    service.feed_all(one)
    after = one.take(2)

    assert [message.id for message in after] == [message.id for message in before]
    assert {message.properties.headers["epoch"] for message in after} == {begun}
    assert {message.properties.headers["epoch"] for message in before} != {begun}


def test_a_new_password_counts_at_once_and_open_connections_go_on_until_they_are_hung_up(
    service: QueueSubscribers,
) -> None:
    one = service.integrator()
    accounts = service.broker.accounts()
    with one.channel() as opened:
        opened.basic_consume(one.queue, lambda *_: None)
        old, one.login = one.login, accounts.make(one.id)
        release(service, 1)
        service.feed_all(one)
        opened.connection.process_data_events(1)
        assert opened.is_open
        with pytest.raises(AMQPError):
            pika.BlockingConnection(pika.URLParameters(service.broker.url(old.account, old.password)))
        accounts.hang_up(one.id)
        with pytest.raises(AMQPError):
            opened.connection.process_data_events(10)
    assert [message.id for message in one.take(1)] == [f"{key()}/1"]


def test_a_revoked_subscription_is_cut_off_at_once_and_nothing_is_left_at_the_broker(
    service: QueueSubscribers,
) -> None:
    one = service.integrator()
    accounts = service.broker.accounts()
    with one.channel() as opened:
        opened.basic_consume(one.queue, lambda *_: None)
        accounts.remove_account(one.id)
        with pytest.raises(AMQPError):
            opened.connection.process_data_events(10)
    assert service.http.delete(f"/v1/subscriptions/{one.id}").status_code == 204
    accounts.remove_queue(one.id)
    release(service, 1)
    other = service.integrator("另一系统")
    service.feed_all(other)

    assert service.one(one.subscription)["queued"] == 0
    with pytest.raises(AMQPError), one.channel():
        pass
    for again in (accounts.remove_account, accounts.remove_queue):
        again(one.id)


def test_without_a_broker_the_service_says_what_amqp_needs(county: Pipeline, tmp_path: Path) -> None:
    from tests.harness.subscribers import subscribers

    with subscribers(county, tmp_path) as embedded:
        answer = embedded.http.post("/v1/subscriptions", json={"name": "某系统", "delivery": "amqp"})
        assert answer.status_code == 409
        assert "AMQP needs RabbitMQ: run the county in production" in answer.json()["detail"]
        hook = embedded.webhook("http://127.0.0.1:9/")
        for path, sent in (("account", None), ("replays", {"after": 0})):
            assert embedded.http.post(f"/v1/subscriptions/{hook['id']}/{path}", json=sent).status_code == 409
