"""Consumes batches over AMQP: the nameko entrypoint `@batch`, and a consumer that reconnects.

nameko and kombu by default acknowledge a message whose handler raised or whose body cannot be decoded, die when an
acknowledgement meets a lost connection, and can reconnect silently to a connection that consumes nothing. Here:

    handler returns        its refusals are rejected (dead letter queue), the rest is acknowledged at once
    handler raises         "not now": the batch stays in memory and is offered again, with growing pauses
    connection lost        the batch is dropped, the broker delivers it again; a new connection consumes again
    body                   raw bytes whatever the headers say; nothing is decoded or decompressed on the way
"""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any, TypeVar, cast

import structlog
from amqp.exceptions import AMQPError, RecoverableConnectionError
from kombu.exceptions import OperationalError
from nameko.exceptions import ContainerBeingKilled
from nameko.extensions import Entrypoint, ProviderCollector
from nameko.messaging import QueueConsumer
from prometheus_client import Counter

from shared.messaging.dead_letter_census import DeadLetterCensus
from shared.messaging.delivered_batch import DeliveredBatch, is_alive
from shared.messaging.delivery import Message, Refusal
from shared.messaging.eventlet_patch import eventlet

HEARTBEAT_SECONDS = 10
SETUP_SECONDS = 10.0
FAREWELL_SECONDS = 1.0
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 5.0
MANY = 10
LINGER_SECONDS = 0.1

RETRIES = Counter(
    "tongyuan_consumer_retries_total", "Batches kept for a retry because the handler raised an error.", ["queue"]
)
RECONNECTS = Counter("tongyuan_consumer_reconnects_total", "Restarts of consuming.", ["queue"])

Method = TypeVar("Method", bound=Callable[..., Sequence[Refusal] | None])

_log = structlog.get_logger(__name__)


def batch(queue_name: str, size: int = 200) -> Callable[[Method], Method]:
    """Entrypoint of a nameko service: the method is called with up to `size` messages of the queue at a time, in order.

    It takes `Sequence[shared.messaging.delivery.Message]` and returns refusals or None; see
    `shared.messaging.delivery.Handler`. A batch is what has arrived when the method is free: a single message when the
    queue is quiet, up to `size` under load. The queue must exist already: no configure right is needed.
    """
    return cast(Callable[[Method], Method], BatchEntrypoint.decorator(queue_name, size=size))


class SafeQueueConsumer(QueueConsumer):  # type: ignore[misc]
    """nameko's consumer thread: one connection for a service, one channel for each of its queues.

    The queues need separate channels because a multiple acknowledgement covers everything its channel has delivered.
    """

    _gt: Any

    def __init__(self) -> None:
        super().__init__()
        self._channels: list[Any] = []
        self._census: DeadLetterCensus | None = None
        self._setup_limit: Any = None
        self._next_tick = 0.0

    def start(self) -> None:
        """Start in the background: an unreachable broker must not keep the rest of the service from starting."""
        if self._gt is None:
            self._gt = self.container.spawn_managed_thread(self.run, identifier="consumer")

    def unregister_provider(self, provider: "BatchEntrypoint") -> None:
        """Unregister a queue; after the last one the consumer thread ends, connected or not."""
        ProviderCollector.unregister_provider(self, provider)
        self.should_stop = not self._providers

    def stop(self) -> None:
        self.wait_for_providers()
        if self._gt is not None:
            self._gt.wait()

    @contextmanager
    def establish_connection(self) -> Iterator[Any]:
        """Connect, however long it takes; disconnect in bounded time, even if the broker no longer answers."""
        connection = self.create_connection()
        try:
            self._connect(connection)
            silence = RecoverableConnectionError(f"the broker was silent for {SETUP_SECONDS} s")
            self._setup_limit = eventlet.Timeout(SETUP_SECONDS, silence)
            yield connection
        except (AMQPError, OSError) as error:
            _log.warning("consumer.interrupted", reason=repr(error))
            raise
        finally:
            if self._setup_limit is not None:
                self._setup_limit.cancel()
            # The connection is given up, so errors while closing it do not matter.
            with eventlet.Timeout(FAREWELL_SECONDS, False), suppress(Exception):
                connection.release()
            connection.collect()

    def get_consumers(self, consumer_cls: Any, channel: Any) -> list[AbstractContextManager[None]]:
        """Called after every (re)connection. kombu's own consumer class is not used, because it decodes bodies."""
        providers = list(self._providers)
        self._channels = [channel.connection.channel() for _ in providers]
        own = [provider.queue_name for provider in providers]
        watched = self.container.config.get("WATCHED_QUEUES", ())
        self._census = DeadLetterCensus(channel.connection, own, watched)
        return [provider.consume(own) for provider, own in zip(providers, self._channels, strict=True)]

    def on_consume_ready(self, *_what: Any, **_more: Any) -> None:
        self._setup_limit.cancel()

    def on_iteration(self) -> None:
        """Called before each read. kombu can reconnect silently to a connection without consumers; detect that."""
        if self.should_stop:
            return
        if not all(is_alive(channel) for channel in self._channels):
            raise RecoverableConnectionError("the consuming channel is closed")
        # kombu sends heartbeats only after a second without messages, which is too rare under a steady trickle.
        if time.monotonic() >= self._next_tick:
            self._next_tick = time.monotonic() + 1
            self._channels[0].connection.heartbeat_tick()
            if self._census is not None:
                self._census.count()

    def _connect(self, connection: Any) -> None:
        """Try until connected or stopped. kombu's own loop sleeps up to 30 s and cannot be interrupted."""
        for pause in _pauses():
            try:
                connection.ensure_connection(max_retries=0)
            except OperationalError as error:
                if self.should_stop:
                    raise RecoverableConnectionError("the consumer was stopped while connecting") from error
                self.on_connection_error(error, pause)
                eventlet.sleep(pause)
            else:
                return


class BatchEntrypoint(Entrypoint):  # type: ignore[misc]
    """Takes the arrived messages, calls the method and settles them, one batch at a time."""

    queue_consumer = SafeQueueConsumer()

    def __init__(self, queue_name: str, size: int = 200, **kwargs: Any) -> None:
        self.queue_name = queue_name
        self.size = size
        self._arrived = eventlet.queue.LightQueue()
        self._asked_to_stop = eventlet.event.Event()
        self._consumed_before = False
        self._many = False
        self._gt: Any = None
        super().__init__(**kwargs)

    def setup(self) -> None:
        self.queue_consumer.register_provider(self)

    def start(self) -> None:
        self._gt = self.container.spawn_managed_thread(self._run, identifier=f"batches of {self.queue_name}")

    def stop(self) -> None:
        """Finish the current batch and leave the rest in the queue."""
        self._asked_to_stop.send()
        self._arrived.put(None)
        self._gt.wait()
        self.queue_consumer.unregister_provider(self)

    @contextmanager
    def consume(self, channel: Any) -> Iterator[None]:
        """Consume on a new channel. Drop what an older channel delivered: the broker delivers it again."""
        RECONNECTS.labels(self.queue_name).inc(int(self._consumed_before))
        self._consumed_before = True
        self._arrived.queue.clear()
        if self._asked_to_stop.ready():
            self._arrived.put(None)
        channel.auto_decode = False
        channel.basic_qos(prefetch_size=0, prefetch_count=2 * self.size, a_global=False)
        channel.basic_consume(self.queue_name, callback=self._arrived.put)
        yield

    def _run(self) -> None:
        while not self._asked_to_stop.ready():
            deliveries = self._take()
            if deliveries:
                self._handle(DeliveredBatch(self.queue_name, deliveries))

    def _take(self) -> list[Any]:
        """Wait for the first delivery, then return what is there, at most `size`.

        After a batch of `MANY` or more wait `LINGER_SECONDS` longer: a transaction costs about the same for one message
        as for fifty, and under load larger batches decide the throughput.
        """
        taken = [self._arrived.get()]
        if self._many:
            eventlet.sleep(LINGER_SECONDS)
        while len(taken) < self.size and not self._arrived.empty():
            taken.append(self._arrived.get_nowait())
        self._many = len(taken) >= MANY
        # Deliveries of an older channel may have been taken just before a reconnection.
        return [delivery for delivery in taken if delivery is not None and is_alive(delivery.channel)]

    def _handle(self, batch: DeliveredBatch) -> None:
        """Offer the batch until the method accepts it, its connection is lost, or we stop."""
        pauses = _pauses()
        while batch.is_alive and not self._asked_to_stop.ready():
            refusals = self._call(batch.messages)
            if refusals is not None:
                # If we die here, the effects are committed but not acknowledged: the broker delivers the batch again.
                batch.settle(refusals)
                return
            RETRIES.labels(self.queue_name).inc()
            self._asked_to_stop.wait(timeout=next(pauses))

    def _call(self, messages: list[Message]) -> Sequence[Refusal] | None:
        """Return the method's refusals, or None when it raised (nameko has logged it)."""
        outcome = eventlet.event.Event()

        def keep(_worker: Any, result: Any = None, exc_info: Any = None) -> tuple[Any, Any]:
            outcome.send(None if exc_info else result or ())
            return result, exc_info

        try:
            self.container.spawn_worker(self, (messages,), {}, handle_result=keep)
        except ContainerBeingKilled:
            return None
        return cast(Sequence[Refusal] | None, outcome.wait())


def _pauses() -> Iterator[float]:
    """Yield the seconds between two offers: 0.2, 0.4 … 5, each up to a fifth shorter so that workers differ."""
    pause = FIRST_PAUSE
    while True:
        yield pause * random.uniform(0.8, 1.0)  # noqa: S311 - jitter, no secret
        pause = min(2 * pause, LONGEST_PAUSE)
