"""A queue that is full holds up nobody and loses nothing; one that nobody reads, or that is gone, is an alarm."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from contracts.topology import INTEGRATOR_QUEUE_ARGUMENTS
from services.subscriptions.amqp.broker import broker_of
from services.subscriptions.amqp.feeder import QueueFeeder
from services.subscriptions.amqp.queue_watch import LOOK_SECONDS, REMEDIES, STILL, QueueWatch
from shared.config import Settings
from shared.messaging import topology_job
from tests.harness.broker_queues import ready
from tests.harness.integrators import IntegratorBroker, QueueSubscribers
from tests.harness.pipeline import Pipeline, code_of, item, pipeline
from tests.harness.rabbitmq import PrivateRabbit, wait_until
from tests.harness.subscribers import running

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("amqp-subscriptions")]

FEW = 3


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


@pytest.fixture
def watch(service: QueueSubscribers) -> Iterator[QueueWatch]:
    """A watch without patience, for queues that are full with few messages."""
    connections = broker_of(Settings(amqp_url=service.broker.url("subscriptions")))
    assert connections is not None
    made = QueueWatch(service.db, connections, timedelta(0), FEW)
    yield made
    made._depths.close()  # noqa: SLF001  # as the end of the process does


def release(service: QueueSubscribers, *numbers: int, name: str = "居民身份证办理") -> None:
    for number in numbers:
        service.county.release(item(number, name=name))
    service.flow()


def troubles() -> set[str]:
    """What the metric says is wrong with some queue."""
    return {one for one in REMEDIES if REGISTRY.get_sample_value("tongyuan_amqp_queues", {"trouble": one})}


def feeder(service: QueueSubscribers, most: int) -> QueueFeeder:
    """A feeder for which queues are full with so many messages, and which tries again soon."""
    connections = broker_of(Settings(amqp_url=service.broker.url("subscriptions")))
    assert connections is not None
    return QueueFeeder(service.parts.log, connections, most, 0.05)


def test_an_alarm_comes_within_a_minute() -> None:
    assert STILL.total_seconds() + 2 * LOOK_SECONDS < 60


def test_a_queue_that_nobody_reads_is_in_log_and_metric_and_leaves_them_when_somebody_does(
    service: QueueSubscribers, watch: QueueWatch, capsys: pytest.CaptureFixture[str]
) -> None:
    one = service.integrator()
    release(service, 1)
    watch.look()
    assert "unread" not in troubles()
    service.feed_all(one)
    watch.look()
    assert "unread" in troubles()
    assert REGISTRY.get_sample_value("tongyuan_amqp_waiting_messages") == 1
    with one.channel() as opened:
        opened.basic_qos(prefetch_count=1)
        opened.basic_consume(one.queue, lambda *_: None)
        wait_until(lambda: (found := watch._depths.depth(one.queue)) and found.consumers, "it reads", 30)  # noqa: SLF001
        watch.look()
        assert troubles() == set()
    said = capsys.readouterr()
    assert "a queue is unread" in said.out + said.err
    assert one.id in said.out + said.err


def test_a_full_queue_is_an_alarm_and_goes_on_when_there_is_room_and_loses_nothing(
    service: QueueSubscribers, watch: QueueWatch
) -> None:
    one = service.integrator()
    release(service, *range(1, 9))
    with running(feeder(service, FEW).run):
        wait_until(lambda: ready(service.broker.admin_url, one.queue) == FEW, "it is full", 30)
        other = service.integrator("另一系统", filters=[{"exact": {"key": f"item:{code_of(8)}"}}])
        wait_until(lambda: service.is_fed(other), "another subscription is not held up", 30)
        watch.look()
        watch.look()
        assert {"full", "behind"} <= troubles()
        taken = one.take(8)
    watch.look()

    assert [message.event["sequence"] for message in taken] == [str(number) for number in range(1, 9)]
    assert "full" not in troubles()


def test_a_queue_that_the_broker_calls_full_refuses_and_every_key_still_comes_in_order_without_loss(
    service: QueueSubscribers, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = INTEGRATOR_QUEUE_ARGUMENTS | {"x-max-length-bytes": 20_000}
    monkeypatch.setattr(topology_job, "INTEGRATOR_QUEUE_ARGUMENTS", small)
    one = service.integrator()
    for version in ("一", "二", "三", "四"):
        release(service, *range(1, 7), name=f"第{version}版")
    with running(feeder(service, 1000).run):
        wait_until(lambda: ready(service.broker.admin_url, one.queue) > 0, "it takes some", 30)
        assert not service.is_fed(one)
        seen: list[str] = []
        while len(set(seen)) < 24:
            seen += [message.id for message in one.take(1)]
        wait_until(lambda: service.is_fed(one), "everything was taken", 30)

    first = list(dict.fromkeys(seen))
    for number in range(1, 7):
        key = f"item:{code_of(number)}"
        assert [name for name in first if name.startswith(key)] == [f"{key}/{version}" for version in (1, 2, 3, 4)]


def test_a_queue_that_is_gone_or_left_behind_is_an_alarm_with_its_remedy(
    service: QueueSubscribers, watch: QueueWatch
) -> None:
    gone, left = service.integrator("一"), service.integrator("二")
    at_broker = service.broker.accounts()
    at_broker.remove_queue(gone.id)
    assert service.http.delete(f"/v1/subscriptions/{left.id}").status_code == 204
    release(service, 1)
    with service.feeding():
        watch.look()
        watch.look()
        assert troubles() == {"missing", "left", "behind"}
        gone.login = at_broker.make(gone.id)
        wait_until(lambda: service.is_fed(gone), "it goes on with a new queue", 30)
    at_broker.remove_queue(left.id)
    assert [message.id for message in gone.take(1)] == [f"item:{code_of(1)}/1"]
    watch.look()
    assert troubles() == set()


def test_a_broker_that_is_away_is_told_by_what_is_due(service: QueueSubscribers) -> None:
    one = service.integrator()
    nowhere = broker_of(Settings(amqp_url="amqp://nobody:x@127.0.0.1:9/"))
    assert nowhere is not None
    watch = QueueWatch(service.db, nowhere, timedelta(0))
    release(service, 1)
    watch.look()

    assert troubles() == {"behind"}
    assert not service.is_fed(one)
