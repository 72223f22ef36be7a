"""The traps of publishing, against a real broker: "confirmed" must mean that the message is in a queue."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from urllib.parse import urlsplit

import pytest

from contracts.topology import DEAD_EXCHANGE, Queue
from services.runtime.manifests import topology
from shared.errors import Conflict, Unconfirmed, UpstreamDown
from shared.messaging import topology_job
from shared.messaging.delivery import Message
from shared.messaging.publisher import AmqpPublisher
from tests.harness.amqp_site import EXCHANGE, QUEUE, Site
from tests.harness.broker_queues import channel, drain, ready
from tests.harness.rabbitmq import wait_until

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("breakable-broker")]

IMPATIENT = 1.5
"""Seconds without a confirm, where none comes."""


def news(*names: str) -> list[Message]:
    return [Message(b"{}", "339921000000.item.release", name) for name in names]


def send(publisher: AmqpPublisher, messages: list[Message]) -> None:
    """What a relay does, without its pauses."""

    def confirmed() -> bool:
        try:
            publisher.publish(messages)
        except Unconfirmed:
            return False
        return True

    wait_until(confirmed, "never confirmed")


def unconfirmed(publisher: AmqpPublisher, name: str) -> str:
    """Why the message is not confirmed; a confirm fails. The impatient may give up before a busy broker answers."""
    with pytest.raises(Unconfirmed) as raised:
        publisher.publish(news(name))
    return str(raised.value)


@contextmanager
def memory_alarm(site: Site) -> Iterator[None]:
    site.rabbit.ctl("set_vm_memory_high_watermark", "absolute", "1MB")
    try:
        wait_until(lambda: "memory" in site.rabbit.ctl("eval", "rabbit_alarm:get_alarms()."), "no alarm")
        yield
    finally:
        site.rabbit.ctl("set_vm_memory_high_watermark", "absolute", "800MB")


def test_a_memory_alarm_ends_in_an_error_not_in_silence_and_passes(site: Site) -> None:
    site.declare()
    publisher = site.publisher(timeout=IMPATIENT)
    send(publisher, news("before"))
    with memory_alarm(site):
        with pytest.raises(Unconfirmed):
            publisher.publish(news("during"))
        with pytest.raises(Unconfirmed):
            publisher.publish(news("during"))
        publisher.close()
    send(publisher, news("after"))
    assert ready(site.url, QUEUE) >= 2


def test_a_late_confirm_never_stands_for_a_later_message(site: Site) -> None:
    site.declare()
    publisher = site.publisher(timeout=IMPATIENT)
    send(publisher, news("before"))
    site.rabbit.pause()
    try:
        with pytest.raises(Unconfirmed):
            publisher.publish(news("slow"))
    finally:
        site.rabbit.resume()
    with channel(site.url) as opened:
        opened.queue_unbind(QUEUE, EXCHANGE, "#")
    # The broker now confirms "slow". Had the channel been kept, that confirm would be taken for "lost"'s.
    wait_until(lambda: "NO_ROUTE" in unconfirmed(publisher, "lost"), "the broker does not answer")


def test_a_message_that_no_queue_takes_is_returned_even_in_the_middle_of_a_batch(site: Site) -> None:
    site.declare(Queue(QUEUE, EXCHANGE, bindings=("*.item.*",)))
    publisher = site.publisher()
    guide = Message(b"{}", "339921000000.guide.release", "guide")
    with pytest.raises(Unconfirmed, match="guide"):
        publisher.publish([*news("a", "b"), guide, *news("c")])
    publisher.publish(news("a", "b", "c"))
    assert ready(site.url, QUEUE) >= 3


def test_a_missing_exchange_is_an_error(site: Site) -> None:
    with pytest.raises(Unconfirmed, match="NOT_FOUND"):
        site.publisher("no.such.exchange").publish(news("a"))


def test_a_deleted_queue_is_an_error_until_the_topology_job_has_run_again(site: Site) -> None:
    site.declare()
    publisher = site.publisher()
    publisher.publish(news("a"))
    with channel(site.url) as opened:
        opened.queue_delete(QUEUE)
    with pytest.raises(Unconfirmed, match="NO_ROUTE"):
        publisher.publish(news("b"))
    site.declare()
    publisher.publish(news("b"))
    assert ready(site.url, QUEUE) == 1


def test_a_full_queue_refuses_and_the_publisher_hears_of_it(site: Site) -> None:
    queue = Queue(QUEUE, EXCHANGE)
    queue.arguments["x-max-length"] = 5
    site.declare(queue)
    publisher = site.publisher()
    confirmed: list[str] = []

    def fill() -> None:
        # A quorum queue looks at its limit a little late: more than five may get in.
        for number in range(1000):
            publisher.publish(news(f"m{number}"))
            confirmed.append(f"m{number}")

    with pytest.raises(Unconfirmed, match="refused"):
        fill()
    assert ready(site.url, QUEUE) >= len(confirmed)


def test_nobody_at_the_address_is_an_error(site: Site) -> None:
    with pytest.raises(Unconfirmed, match="refused"):
        site.publisher(url="amqp://nobody:x@127.0.0.1:1/%2F").publish(news("a"))


def test_a_broker_killed_under_load_loses_nothing_that_was_confirmed(site: Site) -> None:
    site.declare()
    site.rabbit.settle()
    publisher = site.publisher()
    confirmed: list[str] = []
    enough = threading.Event()

    def relay() -> None:
        for number in count():
            batch = news(*(f"{number}/{index}" for index in range(50)))
            send(publisher, batch)
            confirmed.extend(message.message_id for message in batch)
            if enough.is_set():
                return

    thread = threading.Thread(target=relay)
    thread.start()
    try:
        wait_until(lambda: len(confirmed) > 500, "nothing is sent")
        site.rabbit.kill()
        site.rabbit.start()
        reached = len(confirmed)
        wait_until(lambda: len(confirmed) > reached + 500, "nothing is sent after the restart")
    finally:
        enough.set()
        thread.join(timeout=60)
    assert set(confirmed) <= set(drain(site.url, QUEUE))


def test_a_publisher_that_was_idle_while_the_broker_restarted_just_works(site: Site) -> None:
    site.declare()
    publisher = site.publisher()
    publisher.publish(news("a"))
    site.rabbit.restart()
    publisher.publish(news("b"))
    assert ready(site.url, QUEUE) == 2


def connections(site: Site) -> list[str]:
    """Return the addresses of the clients that are connected to the site's vhost."""
    vhost = urlsplit(site.url).path[1:]
    found = [line.split("\t") for line in site.rabbit.ctl("list_connections", "vhost", "name").splitlines()]
    return sorted(name for its, name in found if its == vhost)


def test_pump_keeps_an_idle_connection_and_never_raises(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.declare()
    monkeypatch.setattr("shared.messaging.publisher.HEARTBEAT_SECONDS", 6)
    publisher = site.publisher()
    publisher.pump()
    publisher.publish(news("a"))
    # Three heartbeats of the broker's without an answer, and it would have closed the connection.
    idle_until = time.monotonic() + 20
    while time.monotonic() < idle_until:
        publisher.pump()
        time.sleep(0.05)
    before = connections(site)
    publisher.publish(news("b"))
    assert len(before) == 1
    assert connections(site) == before
    site.rabbit.ctl("close_all_connections", "test")
    publisher.pump()
    publisher.close()


def test_the_topology_job_may_run_again_and_again(site: Site) -> None:
    site.declare()
    site.publisher().publish(news("kept"))
    site.declare()
    assert ready(site.url, QUEUE) == 1


def test_the_topology_job_names_what_contradicts_it_and_declares_the_rest(site: Site) -> None:
    with channel(site.url) as opened:
        opened.queue_declare(QUEUE, durable=True)
        opened.exchange_declare(EXCHANGE, exchange_type="fanout", durable=True)
    with pytest.raises(Conflict) as caught:
        site.declare(Queue(QUEUE, EXCHANGE), Queue("other.news", EXCHANGE))
    assert f"queue {QUEUE} exists with other arguments" in str(caught.value)
    assert f"exchange {EXCHANGE} exists with other arguments" in str(caught.value)
    assert f"rabbitmqctl delete_queue {QUEUE}" in str(caught.value)
    assert ready(site.url, "other.news") == 0


def test_the_topology_job_says_when_it_cannot_reach_the_broker() -> None:
    with pytest.raises(UpstreamDown, match=r"127\.0\.0\.1:1"):
        topology_job.apply("amqp://nobody:x@127.0.0.1:1/%2F", topology().queues)


def test_the_whole_contracted_topology_can_be_declared(site: Site) -> None:
    topology_job.apply(site.url, topology().queues)
    site.publisher("tongyuan.publications").publish(news("a"))
    assert [ready(site.url, f"{name}.publications") for name in ("web", "mobile", "kiosk", "portal")] == [1, 1, 1, 1]
    with pytest.raises(Unconfirmed, match="NO_ROUTE"):
        site.publisher(DEAD_EXCHANGE).publish(news("a"))
