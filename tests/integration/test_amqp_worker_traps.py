"""The traps of consuming, with a real broker and a real worker process: nothing is acknowledged that was not taken."""

import json
import os
import signal
from contextlib import nullcontext
from typing import Any

import pytest
from amqp.exceptions import RecoverableConnectionError
from kombu import Connection

from contracts.topology import Queue
from shared.errors import Unconfirmed
from shared.messaging.delivery import Message
from shared.messaging.publisher import AmqpPublisher
from tests.harness.amqp_site import EXCHANGE, QUEUE, Site
from tests.harness.broker_queues import channel, consumers, dead_letters, drain, publish_raw, ready
from tests.harness.rabbitmq import wait_until

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("breakable-broker")]


def news(*names: str, **order: object) -> list[Message]:
    return [Message(json.dumps(order).encode(), "339921000000.item.release", name) for name in names]


def numbered(count: int, prefix: str = "m") -> list[Message]:
    return news(*(f"{prefix}{number}" for number in range(count)))


def ids(messages: list[Message]) -> list[str]:
    return [message.message_id for message in messages]


def send(publisher: AmqpPublisher, messages: list[Message]) -> None:
    """What a relay does, without its pauses."""

    def confirmed() -> bool:
        try:
            publisher.publish(messages)
        except Unconfirmed:
            return False
        return True

    wait_until(confirmed, "never confirmed")


def test_what_was_published_before_the_first_start_is_taken(site: Site) -> None:
    site.declare()
    site.publisher().publish(numbered(700))
    worker = site.worker()
    worker.start()
    assert ids(worker.wait_for(700)) == ids(numbered(700))


def test_under_load_messages_come_in_full_batches_and_alone_at_once(site: Site) -> None:
    site.declare()
    publisher = site.publisher()
    publisher.publish(numbered(300))
    worker = site.worker(size=50)
    worker.recorder.down.touch()
    worker.start()
    wait_until(lambda: ready(site.url, QUEUE) == 200, "it does not take two batches ahead")
    worker.recorder.down.unlink()
    worker.wait_for(300)
    sizes = [len(offer) for offer in worker.recorder.offers()]
    assert max(sizes) == 50
    publisher.publish(news("alone"))
    worker.wait_for(301)
    assert worker.recorder.offers()[-1] == ["alone"]


def test_a_handler_that_raises_acknowledges_nothing_and_burns_no_delivery(site: Site) -> None:
    queue = Queue(QUEUE, EXCHANGE)
    queue.arguments["x-delivery-limit"] = 2
    site.declare(queue)
    worker = site.worker()
    worker.recorder.down.touch()
    worker.start()
    site.publisher().publish(numbered(5))
    wait_until(lambda: len(worker.recorder.offers()) > 4, "not offered again")
    assert worker.recorder.taken() == []
    assert dead_letters(site.url, QUEUE) == []
    worker.recorder.down.unlink()
    assert ids(worker.wait_for(5)) == ids(numbered(5))


def test_what_a_killed_worker_held_is_still_there(site: Site) -> None:
    site.declare()
    worker = site.worker()
    worker.recorder.down.touch()
    worker.start()
    site.publisher().publish(numbered(5))
    wait_until(worker.recorder.offers, "not offered")
    worker.kill()
    wait_until(lambda: ready(site.url, QUEUE) == 5, "the messages did not come back")
    worker.recorder.down.unlink()
    worker.start()
    assert ids(worker.wait_for(5)) == ids(numbered(5))


def test_an_acknowledgement_of_one_queue_never_reaches_into_another(site: Site) -> None:
    site.declare(Queue("busy", EXCHANGE, bindings=("busy",)), Queue("stuck", EXCHANGE, bindings=("stuck",)))
    worker = site.worker("busy", "stuck")
    worker.recorders["stuck"].down.touch()
    worker.start()
    publisher = site.publisher()
    publisher.publish([Message(b"", "stuck", f"stuck {number}") for number in range(10)])
    wait_until(worker.recorders["stuck"].offers, "not offered")
    publisher.publish([Message(b"", "busy", f"busy {number}") for number in range(500)])
    worker.wait_for(500)
    wait_until(lambda: ready(site.url, "busy") == 0, "not acknowledged")
    worker.kill()
    wait_until(lambda: ready(site.url, "stuck") == 10, "messages that nobody took are gone")
    assert ready(site.url, "busy") == 0


@pytest.mark.parametrize(
    "properties",
    [
        {"content_type": "application/json", "content_encoding": "latin-1"},
        {"content_type": "application/x-python-serialize", "content_encoding": "binary"},
        {"content_type": "application/json", "headers": {"compression": "application/x-gzip"}},
        {},
    ],
    ids=["wrong encoding", "pickle", "wrong compression", "no properties at all"],
)
def test_a_body_that_cannot_be_decoded_is_kept_as_evidence_to_the_byte(site: Site, properties) -> None:
    site.declare()
    worker = site.worker()
    worker.start()
    garbage = b"\x80\x04\xff\xfe garbage"
    publish_raw(site.url, EXCHANGE, garbage, **properties)
    site.publisher().publish(news("after"))
    assert ids(worker.wait_for(1)) == ["after"]
    wait_until(lambda: [body for _, body in dead_letters(site.url, QUEUE)] == [garbage], "the evidence is lost")


def test_a_handler_that_hogs_the_processor_beyond_two_heartbeats_goes_on_consuming(site: Site) -> None:
    site.declare()
    worker = site.worker(heartbeat=1)
    worker.start()
    publisher = site.publisher()
    publisher.publish(news("hog", hog=True))
    wait_until(worker.recorder.offers, "not offered")
    wait_until(lambda: consumers(site.url, QUEUE) == 0, "the broker did not give it up")
    worker.recorder.free.touch()
    # So the message is taken again on a new connection.
    wait_until(lambda: sum("hog" in offer for offer in worker.recorder.offers()) >= 2, "not delivered again")
    publisher.publish(news("after"))
    worker.wait_for(2)
    wait_until(lambda: ready(site.url, QUEUE) == 0, "not acknowledged")
    assert consumers(site.url, QUEUE) == 1
    assert worker.process.poll() is None


def test_a_connection_lost_before_a_batch_is_settled_costs_no_refusal(site: Site) -> None:
    site.declare()
    publisher = site.publisher()
    publisher.publish([*news("hog", hog=True), *news(*(f"bad {number}" for number in range(50)), refuse="wrong")])
    worker = site.worker(heartbeat=1)
    worker.start()
    wait_until(worker.recorder.offers, "not offered")
    wait_until(lambda: consumers(site.url, QUEUE) == 0, "the broker did not give it up")
    worker.recorder.free.touch()
    worker.wait_for(1)
    publisher.publish(news("after"))
    worker.wait_for(2)
    wait_until(lambda: len(dead_letters(site.url, QUEUE)) >= 50, "the refused messages are not kept")


class Provider:
    """A queue of a consumer, of which nothing is taken."""

    queue_name, consume = QUEUE, nullcontext


class Container:
    """What a consumer reads of its worker."""

    def __init__(self) -> None:
        self.config: dict[str, Any] = {}
        self.shared_extensions: dict[Any, Any] = {}


def test_a_connection_that_kombu_renewed_silently_is_noticed_before_the_next_read(site: Site) -> None:
    from shared.messaging.consumer import SafeQueueConsumer

    site.declare()
    worker = Container()
    consumer = SafeQueueConsumer().bind(worker)
    consumer.register_provider(Provider())
    with Connection(site.url) as connection:
        consumer.get_consumers(None, connection.default_channel)
        consumer.on_iteration()
        connection.default_channel.connection.transport.close()
        # Instead of an error, kombu connects again and waits where nobody consumes.
        with pytest.raises(TimeoutError):
            connection.drain_events(timeout=0.1)
        with pytest.raises(RecoverableConnectionError):
            consumer.on_iteration()


def test_a_worker_stopped_beyond_two_heartbeats_comes_back(site: Site) -> None:
    site.declare()
    worker = site.worker(heartbeat=1)
    worker.start()
    publisher = site.publisher()
    publisher.publish(news("before"))
    worker.wait_for(1)
    os.kill(worker.process.pid, signal.SIGSTOP)
    try:
        publisher.publish(numbered(300))
        wait_until(lambda: consumers(site.url, QUEUE) == 0, "the broker did not notice")
    finally:
        os.kill(worker.process.pid, signal.SIGCONT)
    worker.wait_for(301)


def test_a_silent_broker_is_left_and_found_again(site: Site) -> None:
    site.declare()
    worker = site.worker(heartbeat=1)
    worker.start()
    publisher = site.publisher()
    publisher.publish(news("before"))
    worker.wait_for(1)
    site.rabbit.pause()
    try:
        wait_until(lambda: "Retrying in" in worker.log.read_text(), "the worker did not notice")
    finally:
        site.rabbit.resume()
    send(publisher, news("after"))
    worker.wait_for(2)


def test_a_broker_killed_and_restarted_under_load_loses_nothing(site: Site) -> None:
    site.declare()
    site.rabbit.settle()
    worker = site.worker()
    worker.start()
    publisher = site.publisher()
    for batch in range(20):
        send(publisher, numbered(50, prefix=f"{batch}/"))
        if batch == 10:
            site.rabbit.kill()
            site.rabbit.start()
    worker.wait_for(1000)
    wait_until(lambda: ready(site.url, QUEUE) == 0, "not acknowledged")
    assert worker.process.poll() is None


def test_a_deleted_queue_is_consumed_again_once_the_topology_job_has_run(site: Site) -> None:
    site.declare()
    worker = site.worker()
    worker.start()
    publisher = site.publisher()
    publisher.publish(news("before"))
    worker.wait_for(1)
    with channel(site.url) as opened:
        opened.queue_delete(QUEUE)
    # Made anew at once, the queue takes the broker itself in: it tells nobody, and counts a consumer that is none.
    wait_until(lambda: "NOT_FOUND" in worker.log.read_text(), "the worker did not notice")
    site.declare()
    publisher.publish(news("after"))
    assert ids(worker.wait_for(2)) == ["before", "after"]


def test_a_batch_that_kills_its_worker_every_time_ends_in_the_dead_letter_queue(site: Site) -> None:
    queue = Queue(QUEUE, EXCHANGE)
    queue.arguments["x-delivery-limit"] = 1
    site.declare(queue)
    site.publisher().publish(news("poison"))
    worker = site.worker()
    worker.recorder.down.touch()
    for _ in range(2):
        before = len(worker.recorder.offers())
        worker.start()
        # A living worker is offered the same again and again: only the first time of this one is a delivery.
        wait_until(lambda before=before: len(worker.recorder.offers()) > before, "not offered")
        worker.kill()
        wait_until(lambda: consumers(site.url, QUEUE) == 0, "the broker did not notice")
    wait_until(lambda: [name for name, _ in dead_letters(site.url, QUEUE)] == ["poison"], "not dead-lettered")


def test_sigterm_ends_a_worker_cleanly_and_leaves_what_it_did_not_take(site: Site) -> None:
    site.declare()
    worker = site.worker()
    worker.start()
    publisher = site.publisher()
    publisher.publish(news("taken"))
    worker.wait_for(1)
    worker.recorder.down.touch()
    publisher.publish(news("left"))
    wait_until(lambda: worker.recorder.offers()[-1] == ["left"], "not offered")
    assert worker.terminate() == 0
    wait_until(lambda: ready(site.url, QUEUE) == 1, "what it did not take is not left")
    assert drain(site.url, QUEUE) == ["left"]


def test_sigterm_ends_a_worker_that_never_reached_a_broker(site: Site) -> None:
    worker = site.worker(url="amqp://nobody:x@127.0.0.1:1/%2F")
    worker.start()
    wait_until(lambda: worker.log.exists() and "Retrying in" in worker.log.read_text(), "it did not try")
    assert worker.terminate() == 0


def test_a_handler_that_refuses_what_it_was_not_given_ends_its_worker_and_loses_nothing(site: Site) -> None:
    site.declare()
    worker = site.worker()
    worker.start()
    site.publisher().publish(news("wrong", refuse="of another batch", at=99))
    assert worker.process.wait(timeout=120) == 1
    wait_until(lambda: ready(site.url, QUEUE) == 1, "the message did not come back")
    assert drain(site.url, QUEUE) == ["wrong"]
