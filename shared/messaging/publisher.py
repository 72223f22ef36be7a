"""Sends over AMQP: batches with windowed publisher confirms, and a new connection after any error.

pika's BlockingConnection waits for one confirm per message (about 1,000 a second on a quorum queue), and kombu sends
no heartbeats for publishers; so `SelectConnection` is driven here from the calling thread, one batch at a time.
"""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pika
import structlog
from pika.adapters.select_connection import IOLoop, SelectConnection
from pika.channel import Channel
from pika.exceptions import AMQPError
from prometheus_client import Counter

from contracts.envelope.event import CONTENT_TYPE
from shared.errors import Unconfirmed
from shared.messaging.delivery import Message
from shared.messaging.pika_parameters import pika_parameters
from shared.security.tls import Tls

SEQUENCE_HEADER = "sequence"
PERSISTENT = 2
HEARTBEAT_SECONDS = 10
FAREWELL_SECONDS = 0.3

PUBLISHED = Counter("tongyuan_published_messages_total", "Messages that the broker confirmed.", ["exchange"])
UNCONFIRMED = Counter(
    "tongyuan_publish_unconfirmed_total", "Batches in which some message was not confirmed.", ["exchange"]
)

# pika logs one refused connection as seven errors; this module logs one warning and counts one metric.
logging.getLogger("pika").setLevel(logging.CRITICAL)

_log = structlog.get_logger(__name__)


class AmqpPublisher:
    """`shared.messaging.delivery.Publisher` on one exchange. Not thread-safe; use it from the thread that made it.

    `window`   most unconfirmed messages at a time
    `timeout`  seconds without any progress (connecting, or no new confirm) until `Unconfirmed` is raised

    The first `publish` connects. Back-off between attempts is the caller's responsibility.
    """

    def __init__(
        self,
        url: str,
        exchange: str,
        *,
        connection_name: str,
        window: int = 500,
        timeout: float = 5.0,
        tls: Tls | None = None,
    ) -> None:
        self._parameters = pika_parameters(url, connection_name, timeout, tls)
        self._parameters.heartbeat = HEARTBEAT_SECONDS
        self._parameters.stack_timeout = 2 * timeout
        self._parameters.connection_attempts = 1
        self._exchange = exchange
        self._window = window
        self._timeout = timeout
        self._link: _Link | None = None

    def publish(self, messages: Sequence[Message]) -> None:
        """See `shared.messaging.delivery.Publisher.publish`.

        Raises `Unconfirmed` also for a returned (unroutable) or nacked message.
        """
        if not messages:
            return
        # An idle connection may have died long ago; checking costs one system call instead of a failed batch.
        self.pump()
        try:
            if self._link is None:
                self._link = _Link(self._parameters, self._timeout)
            # If we die in here, some messages may be queued; the sender's cursor has not moved, so all are sent again.
            self._link.send(self._exchange, messages, self._window)
        except Unconfirmed as error:
            UNCONFIRMED.labels(self._exchange).inc()
            _log.warning("publish.unconfirmed", exchange=self._exchange, count=len(messages), reason=str(error))
            raise
        else:
            PUBLISHED.labels(self._exchange).inc(len(messages))
        finally:
            self._drop_if_broken()

    def pump(self) -> None:
        """Answer heartbeats. Call it every few seconds while there is nothing to send; never blocks, never raises."""
        if self._link is not None:
            self._link.pump()
            self._drop_if_broken()

    def close(self) -> None:
        """See `shared.messaging.delivery.Publisher.close`."""
        link, self._link = self._link, None
        if link is not None:
            link.close()

    def _drop_if_broken(self) -> None:
        """Close a broken link: after a timeout, late confirms of the old batch would be counted for a new one."""
        if self._link is not None and self._link.broken:
            self.close()


class _Link:
    """One connection with one channel in confirm mode. Once `broken`, it stays broken."""

    def __init__(self, parameters: pika.URLParameters, timeout: float) -> None:
        self.broken: str | None = None
        self._timeout = timeout
        self._done = False
        self._progress = time.monotonic()
        self._tag = 0
        self._settled = 0
        self._outstanding: set[int] = set()
        self._source: Iterator[Message] = iter(())
        self._exhausted = True
        self._loop = IOLoop()  # type: ignore[no-untyped-call,unused-ignore]
        self._connection = SelectConnection(
            parameters,
            on_open_callback=self._on_connected,
            on_open_error_callback=self._on_lost,
            on_close_callback=self._on_lost,
            custom_ioloop=self._loop,
        )
        self._channel: Channel | None = None
        try:
            self._run("no connection to the broker")
        except Unconfirmed:
            self.close()
            raise

    def send(self, exchange: str, messages: Sequence[Message], window: int) -> None:
        """Send all messages and return when all are confirmed.

        Otherwise raises `Unconfirmed`, and this link is broken.
        """
        self._exchange, self._window = exchange, window
        self._source, self._exhausted = iter(messages), False
        self._done = False
        self._call(self._fill)
        self._run("no confirmation from the broker")

    def pump(self) -> None:
        """Run the loop once without waiting."""
        self._loop.call_later(0, self._loop.stop)
        self._call(self._loop.start)

    def close(self) -> None:
        """Close the connection politely if it is healthy; then close the socket in any case."""
        if not self.broken and self._connection.is_open:
            self._call(self._connection.close)
            self._loop.call_later(FAREWELL_SECONDS, self._loop.stop)
            self._call(self._loop.start)
        if not self._connection.is_closed:
            # pika has no public way to close without a handshake, and a blocked broker never answers one.
            self._call(lambda: self._connection._terminate_stream(AMQPError("the publisher gave up waiting")))  # noqa: SLF001
        self.broken = self.broken or "closed"
        self.pump()
        self._loop.close()

    def _run(self, otherwise: str) -> None:
        """Run the loop until the work is done.

        Raises `Unconfirmed(reason)` when it broke or made no progress in time.
        """
        self._progress = time.monotonic()
        self._watch = self._loop.call_later(self._timeout, lambda: self._check_progress(otherwise))
        if not (self._done or self.broken):
            self._call(self._loop.start)
        self._loop.remove_timeout(self._watch)
        if self.broken or not self._done:
            self.broken = self.broken or "the connection ended early"
            raise Unconfirmed(self.broken)

    def _check_progress(self, otherwise: str) -> None:
        still = time.monotonic() - self._progress
        if still >= self._timeout:
            self._break(f"{otherwise} within {self._timeout} s")
        else:
            self._watch = self._loop.call_later(self._timeout - still, lambda: self._check_progress(otherwise))

    def _on_connected(self, connection: Any) -> None:
        connection.channel(on_open_callback=self._on_channel)

    def _on_channel(self, channel: Channel) -> None:
        self._channel = channel
        channel.add_on_close_callback(self._on_lost)
        channel.add_on_return_callback(self._on_return)
        channel.confirm_delivery(self._on_confirm, callback=lambda _frame: self._finish())

    def _on_lost(self, _what: object, reason: BaseException) -> None:
        self._break(repr(reason))

    def _on_return(self, _channel: Any, method: Any, properties: Any, _body: bytes) -> None:
        self._break(f"{method.reply_text}: no queue is bound for {method.routing_key!r} ({properties.message_id})")

    def _on_confirm(self, frame: Any) -> None:
        method = frame.method
        if isinstance(method, pika.spec.Basic.Nack):
            self._break("the broker refused a message (queue full?)")
            return
        self._progress = time.monotonic()
        first = self._settled + 1 if method.multiple else method.delivery_tag
        self._outstanding.difference_update(range(first, method.delivery_tag + 1))
        if method.multiple:
            self._settled = method.delivery_tag
        self._fill()

    def _fill(self) -> None:
        """Keep the window full; finish when everything is sent and confirmed."""
        if self.broken or self._channel is None:
            return
        while not self._exhausted and len(self._outstanding) < self._window:
            message = next(self._source, None)
            if message is None:
                self._exhausted = True
            else:
                self._tag += 1
                self._outstanding.add(self._tag)
                self._channel.basic_publish(
                    self._exchange, message.routing_key, message.body, _properties(message), mandatory=True
                )
        if self._exhausted and not self._outstanding:
            self._finish()

    def _finish(self) -> None:
        self._done = True
        self._loop.stop()

    def _break(self, reason: str) -> None:
        self.broken = self.broken or reason
        self._loop.stop()

    def _call(self, action: Callable[[], object]) -> None:
        """Run one step of pika. It raises from its loop as well as from its methods; either breaks this link."""
        try:
            action()
        except (AMQPError, OSError) as error:
            self.broken = self.broken or repr(error)


def _properties(message: Message) -> pika.BasicProperties:
    return pika.BasicProperties(
        content_type=CONTENT_TYPE,
        delivery_mode=PERSISTENT,
        message_id=message.message_id,
        headers={**message.headers, SEQUENCE_HEADER: message.sequence},
    )
