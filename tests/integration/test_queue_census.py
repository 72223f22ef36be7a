"""What operators see of the broker: consumers and messages of each queue, dead letters, and a queue that is gone."""

import pytest
from kombu import Connection
from prometheus_client import REGISTRY

from contracts.topology import Queue, dead_queue
from shared.messaging.dead_letter_census import DeadLetterCensus
from shared.messaging.delivery import Message
from tests.harness.amqp_site import EXCHANGE, QUEUE
from tests.harness.broker_queues import channel
from tests.harness.rabbitmq import wait_until

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("rabbitmq")]
OTHER = "other.news"


@pytest.fixture
def census(site):
    """A census of one queue that also watches another, on a connection as a worker has one."""
    site.declare(Queue(QUEUE, EXCHANGE), Queue(OTHER, EXCHANGE))
    with Connection(site.url) as connection:
        yield lambda: DeadLetterCensus(connection.connection, [QUEUE], [QUEUE, OTHER])


def measured(metric, queue):
    return REGISTRY.get_sample_value(f"tongyuan_{metric}", {"queue": queue})


def counts(census, metric, queue, expected):
    """Whether a fresh census measures it."""
    census().count()
    return measured(metric, queue) == expected


def test_messages_and_consumers_of_each_watched_queue_are_counted(site, census):
    site.publisher().publish([Message(b"1", "a", "1"), Message(b"2", "a", "2")])
    wait_until(lambda: counts(census, "queue_messages", OTHER, 2), "the messages were not counted")
    assert measured("queue_consumers", OTHER) == 0

    with channel(site.url) as opened:
        opened.basic_consume(OTHER, lambda *_: None)
        wait_until(lambda: counts(census, "queue_consumers", OTHER, 1), "the consumer was not counted")
    wait_until(lambda: counts(census, "queue_consumers", OTHER, 0), "the consumer did not go")


def test_a_queue_that_is_gone_has_no_consumers_and_the_others_are_counted_all_the_same(site, census):
    site.publisher().publish([Message(b"1", "a", "1")])
    wait_until(lambda: counts(census, "queue_messages", OTHER, 1), "the message was not counted")

    with channel(site.url) as opened:
        opened.queue_delete(QUEUE)
        opened.queue_delete(dead_queue(QUEUE))
    one = census()
    one.count()

    assert (measured("queue_consumers", QUEUE), measured("queue_messages", QUEUE)) == (0, 0)
    assert measured("queue_messages", OTHER) == 1


def test_dead_letters_are_counted(site, census):
    site.publisher().publish([Message(b"1", "a", "1")])
    with channel(site.url) as opened:
        for method, _properties, _body in opened.consume(QUEUE, inactivity_timeout=5):
            opened.basic_reject(method.delivery_tag, requeue=False)
            break
        opened.cancel()

    wait_until(lambda: counts(census, "dead_letters", QUEUE, 1), "the dead letter was not counted")
