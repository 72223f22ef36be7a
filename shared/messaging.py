"""Taking batches over AMQP: the nameko entrypoint `@batch`, a consumer that survives, and the worker process around it.

nameko and kombu as they come acknowledge a message whose handler raised or whose body cannot be decoded, die when an
acknowledgement meets a lost connection, and can reconnect silently to a connection that consumes nothing. Here:

    handler returns        its refusals are rejected (dead letter queue), the rest is acknowledged at once
    handler raises         "not now": the batch stays in memory and is offered again, with growing pauses
    connection lost        the batch is forgotten, the broker delivers it again; a new connection consumes again
    body                   raw bytes whatever the headers say; nothing is decoded or decompressed on the way
"""

import random
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

import structlog
from amqp.exceptions import AMQPError, RecoverableConnectionError
from kombu.exceptions import OperationalError
from nameko.containers import ServiceContainer
from nameko.exceptions import ContainerBeingKilled
from nameko.extensions import Entrypoint, ProviderCollector
from nameko.messaging import QueueConsumer
from prometheus_client import Counter

from shared.census import DeadLetterCensus
from shared.delivered import DeliveredBatch, is_alive
from shared.delivery import Message, Refusal
from shared.green import eventlet, is_patched
from shared.tls import Tls, require_for_broker, uses_certificate

HEARTBEAT_SECONDS = 10
SETUP_SECONDS = 10.0
FAREWELL_SECONDS = 1.0
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 5.0
MANY = 10
LINGER_SECONDS = 0.1

RETRIES = Counter("tongyuan_consumer_retries_total", "Batches kept because the handler raised.", ["queue"])
RECONNECTS = Counter("tongyuan_consumer_reconnects_total", "Times that consuming began anew.", ["queue"])

Method = TypeVar("Method", bound=Callable[..., Sequence[Refusal] | None])

_log = structlog.get_logger(__name__)


def batch(queue_name: str, size: int = 200) -> Callable[[Method], Method]:
    """Entrypoint of a nameko service: the method takes up to `size` messages of the queue at a time, in order.

    It gets `Sequence[shared.delivery.Message]` and returns refusals or None; see `shared.delivery.Handler`. A batch is
    what has arrived when the method is free: one message on a quiet day, `size` under load; nothing is waited for.
    The queue must exist already: no configure right is needed.
    """
    return cast(Callable[[Method], Method], BatchEntrypoint.decorator(queue_name, size=size))


def worker_config(
    url: str, *, name: str = "tongyuan.worker", heartbeat: int = HEARTBEAT_SECONDS, tls: Tls | None = None
) -> dict[str, Any]:
    """The nameko configuration of a worker; `name` is what the broker's list of connections shows.

    Raises `SettingsError` for an `amqps` address without `tls`.
    """
    require_for_broker(url, tls)
    secured = tls is not None and url.startswith("amqps:")
    return {
        "AMQP_SSL": tls.amqp_options(urlsplit(url).hostname or "") if tls and secured else None,
        "LOGIN_METHOD": "EXTERNAL" if secured and uses_certificate(url) else None,
        "AMQP_URI": url,
        "HEARTBEAT": heartbeat,
        "TRANSPORT_OPTIONS": {"client_properties": {"connection_name": name}},
        "max_workers": 10,
    }


def run_worker(service_class: type, url: str, *, heartbeat: int = HEARTBEAT_SECONDS, tls: Tls | None = None) -> None:
    """Run the service until SIGTERM or SIGINT: the batch at hand is finished, the rest stays in the queue.

    The process must be patched first (`shared.green.patch`). Raises SystemExit(1) when the container dies by itself.
    """
    if not is_patched():
        raise RuntimeError("call shared.green.patch() before anything else is imported")
    name = f"tongyuan.{service_class.name}"  # type: ignore[attr-defined]
    container = ServiceContainer(service_class, worker_config(url, name=name, heartbeat=heartbeat, tls=tls))
    asked: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _frame: asked.append(received))
    container.start()
    life = eventlet.spawn(container.wait)
    # A signal handler cannot wake the hub, so it is looked after here.
    while not asked and not life.dead:
        eventlet.sleep(0.1)
    try:
        if asked:
            container.stop()
        life.wait()
    except Exception as error:
        _log.critical("worker.died", service=service_class.__name__, exc_info=True)
        raise SystemExit(1) from error


class SafeQueueConsumer(QueueConsumer):  # type: ignore[misc]
    """nameko's consumer thread: one connection for a service, one channel for each of its queues.

    A channel each, because a multiple acknowledgement reaches across everything that its channel has delivered.
    """

    _gt: Any

    def __init__(self) -> None:
        super().__init__()
        self._channels: list[Any] = []
        self._census: DeadLetterCensus | None = None
        self._setup_limit: Any = None
        self._next_tick = 0.0

    def start(self) -> None:
        """Begin in the background: a broker that is down keeps nothing else of the service from starting."""
        if self._gt is None:
            self._gt = self.container.spawn_managed_thread(self.run, identifier="consumer")

    def unregister_provider(self, provider: "BatchEntrypoint") -> None:
        """The last one to leave ends the consumer thread, connection or not."""
        ProviderCollector.unregister_provider(self, provider)
        self.should_stop = not self._providers

    def stop(self) -> None:
        self.wait_for_providers()
        if self._gt is not None:
            self._gt.wait()

    @contextmanager
    def establish_connection(self) -> Iterator[Any]:
        """Connect, however long it takes; let go in bounded time, even if the broker answers nothing any more."""
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
            # Whatever a broken connection raises on its way out, it is over.
            with eventlet.Timeout(FAREWELL_SECONDS, False), suppress(Exception):
                connection.release()
            connection.collect()

    def get_consumers(self, consumer_cls: Any, channel: Any) -> list[AbstractContextManager[None]]:
        """After every (re)connection. kombu's own consumer class is passed over: it decodes."""
        providers = list(self._providers)
        self._channels = [channel.connection.channel() for _ in providers]
        self._census = DeadLetterCensus(channel.connection, [provider.queue_name for provider in providers])
        return [provider.consume(own) for provider, own in zip(providers, self._channels, strict=True)]

    def on_consume_ready(self, *_what: Any, **_more: Any) -> None:
        self._setup_limit.cancel()

    def on_iteration(self) -> None:
        """Before each read. kombu reconnects silently to a connection without consumers; this notices."""
        if self.should_stop:
            return
        if not all(is_alive(channel) for channel in self._channels):
            raise RecoverableConnectionError("the channel that consumes is gone")
        # kombu sends heartbeats only after a second without any message: too rarely when they trickle in.
        if time.monotonic() >= self._next_tick:
            self._next_tick = time.monotonic() + 1
            self._channels[0].connection.heartbeat_tick()
            if self._census is not None:
                self._census.count()

    def _connect(self, connection: Any) -> None:
        """Try until it works or nobody wants it any more. kombu's own loop sleeps up to 30 s and cannot be ended."""
        for pause in _pauses():
            try:
                connection.ensure_connection(max_retries=0)
            except OperationalError as error:
                if self.should_stop:
                    raise RecoverableConnectionError("stopped while connecting") from error
                self.on_connection_error(error, pause)
                eventlet.sleep(pause)
            else:
                return


class BatchEntrypoint(Entrypoint):  # type: ignore[misc]
    """Takes what has arrived, calls the method, settles; one batch at a time."""

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
        """Finish the batch at hand, leave the rest in the queue."""
        self._asked_to_stop.send()
        self._arrived.put(None)
        self._gt.wait()
        self.queue_consumer.unregister_provider(self)

    @contextmanager
    def consume(self, channel: Any) -> Iterator[None]:
        """Begin on a new channel. What an older one delivered is forgotten: the broker delivers it again."""
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
        """Wait for the first delivery, then take what is there, at most `size`.

        After a batch of many it waits a moment longer: a transaction costs about the same for one message as for fifty,
        and under load that decides how many get through.
        """
        taken = [self._arrived.get()]
        if self._many:
            eventlet.sleep(LINGER_SECONDS)
        while len(taken) < self.size and not self._arrived.empty():
            taken.append(self._arrived.get_nowait())
        self._many = len(taken) >= MANY
        # An older channel's deliveries may have been taken in the moment of a reconnection.
        return [delivery for delivery in taken if delivery is not None and is_alive(delivery.channel)]

    def _handle(self, batch: DeliveredBatch) -> None:
        """Offer the batch until the method takes it, or the connection that delivered it is gone, or we stop."""
        pauses = _pauses()
        while batch.is_alive and not self._asked_to_stop.ready():
            refusals = self._call(batch.messages)
            if refusals is not None:
                batch.settle(refusals)
                return
            RETRIES.labels(self.queue_name).inc()
            self._asked_to_stop.wait(timeout=next(pauses))

    def _call(self, messages: list[Message]) -> Sequence[Refusal] | None:
        """The method's refusals, or None when it raised (nameko has logged it)."""
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
    """Seconds between two offers: 0.2, 0.4 … 5, each up to a fifth shorter so that workers do not march in step."""
    pause = FIRST_PAUSE
    while True:
        yield pause * random.uniform(0.8, 1.0)  # noqa: S311 - jitter, no secret
        pause = min(2 * pause, LONGEST_PAUSE)
