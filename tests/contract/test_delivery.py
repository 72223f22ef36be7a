"""What `shared.messaging.delivery` promises holds in every adapter: over AMQP with a worker process, and inside one
process.
"""

import json
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Protocol

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.topology import DEAD_EXCHANGE, Queue
from shared.errors import Unconfirmed
from shared.messaging import topology_job
from shared.messaging.delivery import Message, Publisher
from shared.messaging.in_process import InProcessBus
from shared.messaging.publisher import AmqpPublisher
from tests.harness.broker_queues import dead_letters
from tests.harness.rabbitmq import PrivateRabbit, wait_until
from tests.harness.recording import Recorder, RecordingWorker

EXCHANGE, QUEUE = "county.news", "reader.news"


class Delivery(Protocol):
    """One adapter under test."""

    publisher: Publisher
    recorder: Recorder

    def attach(self) -> None:
        """Bind the recorder to the exchange and let it take."""

    def refused(self) -> list[str]:
        """Message ids kept as evidence, in order."""


class OverAmqp:
    def __init__(self, url: str, folder: Path) -> None:
        self._url = url
        self._worker = RecordingWorker(folder, url, QUEUE)
        self.recorder = self._worker.recorder
        self.publisher = AmqpPublisher(url, EXCHANGE, connection_name="conformance")
        topology_job.apply(url, exchanges=[EXCHANGE, DEAD_EXCHANGE], queues=[])

    def attach(self) -> None:
        topology_job.apply(self._url, exchanges=[EXCHANGE, DEAD_EXCHANGE], queues=[Queue(QUEUE, EXCHANGE)])
        self._worker.start()

    def refused(self) -> list[str]:
        return [message_id for message_id, _ in dead_letters(self._url, QUEUE)]

    def close(self) -> None:
        self.publisher.close()
        self._worker.kill()


class InProcess:
    def __init__(self, folder: Path) -> None:
        self._refused: list[str] = []
        self._bus = InProcessBus(on_refused=lambda _name, message, _reason: self._refused.append(message.message_id))
        self.recorder = Recorder(folder / "in-process.sqlite")
        self.publisher = self._bus.publisher(EXCHANGE)

    def attach(self) -> None:
        self._bus.bind(EXCHANGE, self.recorder, QUEUE)

    def refused(self) -> list[str]:
        return self._refused


@pytest.fixture(params=[pytest.param("amqp", marks=pytest.mark.servers), "in-process"])
def unattached(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Delivery]:
    if request.param == "in-process":
        yield InProcess(tmp_path)
        return
    rabbitmq: PrivateRabbit = request.getfixturevalue("rabbitmq")
    delivery = OverAmqp(rabbitmq.new_vhost(), tmp_path)
    yield delivery
    delivery.close()


@pytest.fixture
def delivery(unattached: Delivery) -> Delivery:
    unattached.attach()
    return unattached


def send(publisher: Publisher, messages: Sequence[Message]) -> None:
    """What a relay does: the whole batch again until it is confirmed."""
    for _ in range(5):
        try:
            return publisher.publish(messages)
        except Unconfirmed:
            continue
    raise AssertionError("never confirmed")


def news(name: str, **order: object) -> Message:
    return Message(json.dumps(order).encode(), "339921000000.item.release", name)


def ids(messages: Sequence[Message]) -> list[str]:
    return [message.message_id for message in messages]


def wait_for(delivery: Delivery, number: int) -> list[Message]:
    wait_until(lambda: len(delivery.recorder.taken()) >= number, f"fewer than {number} messages were taken")
    return delivery.recorder.taken()


headers = st.dictionaries(
    st.text("abcxyz-", min_size=1, max_size=20), st.text(max_size=50) | st.integers(-(2**63), 2**63 - 1), max_size=4
)
contents = st.tuples(
    st.text(max_size=200).filter(lambda text: not text.lstrip().startswith("{")),
    st.text("abc.012", max_size=60),
    st.integers(0, 2**63 - 1),
    headers,
)
numbers = count()


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(st.lists(contents, max_size=30), min_size=1, max_size=5))
def test_everything_published_is_taken_as_it_was_and_in_order(delivery: Delivery, batches) -> None:
    before = len(delivery.recorder.taken())
    sent = [
        [Message(body.encode(), key, f"m{next(numbers)}", sequence, extra) for body, key, sequence, extra in batch]
        for batch in batches
    ]
    for batch in sent:
        delivery.publisher.publish(batch)
    expected = [message for batch in sent for message in batch]
    assert wait_for(delivery, before + len(expected))[before:] == expected


def test_a_message_that_nobody_takes_is_unconfirmed(unattached: Delivery) -> None:
    with pytest.raises(Unconfirmed):
        unattached.publisher.publish([news("nobody")])


def test_publishing_again_after_an_error_works(unattached: Delivery) -> None:
    with pytest.raises(Unconfirmed):
        unattached.publisher.publish([news("early")])
    unattached.attach()
    unattached.publisher.publish([news("early"), news("late")])
    assert ids(wait_for(unattached, 2)) == ["early", "late"]


def test_a_refused_message_is_kept_as_evidence_and_blocks_nobody(delivery: Delivery) -> None:
    bad = news("bad", refuse="no such region")
    delivery.publisher.publish([news("a"), bad, news("b")])
    delivery.publisher.publish([news("c")])
    assert ids(wait_for(delivery, 3)) == ["a", "b", "c"]
    wait_until(lambda: delivery.refused() == ["bad"], "the refused message is not kept")


def test_a_refused_message_at_the_end_of_a_batch_does_not_bring_the_others_back(delivery: Delivery) -> None:
    delivery.publisher.publish([news("a"), news("b"), news("bad", refuse="no such region")])
    wait_until(lambda: delivery.refused() == ["bad"], "the refused message is not kept")
    delivery.publisher.publish([news("c")])
    assert ids(wait_for(delivery, 3)) == ["a", "b", "c"]


def test_a_batch_of_refusals_only_is_kept_whole_and_in_order(delivery: Delivery) -> None:
    names = [f"bad {number}" for number in range(20)]
    delivery.publisher.publish([news(name, refuse="wrong") for name in names])
    wait_until(lambda: delivery.refused() == names, "the refused messages are not kept")
    assert delivery.recorder.taken() == []


def test_a_handler_that_fails_twice_gets_the_same_batch_again_and_nothing_is_lost(delivery: Delivery) -> None:
    send(delivery.publisher, [news("a"), news("stubborn", fail=2), news("b")])
    send(delivery.publisher, [news("c")])
    assert ids(wait_for(delivery, 4)) == ["a", "stubborn", "b", "c"]
    with_it = [offer for offer in delivery.recorder.offers() if "stubborn" in offer]
    assert with_it == [with_it[0]] * 3


def test_an_empty_batch_is_confirmed_without_anybody_taking_it(unattached: Delivery) -> None:
    unattached.publisher.publish([])
    assert unattached.recorder.offers() == []
