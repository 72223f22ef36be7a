"""Events from a queue at the broker, with the county's HTTP beside it for what a queue cannot give."""

from typing import Any

import pika

from tongyuan_client.feeds import HttpFeed, Page

BATCH = 200


class AmqpFeed:
    """A queue that the county's operators have made. It is never declared here: the account may read it, no more."""

    def __init__(self, url: str, queue: str, http: HttpFeed) -> None:
        """`url`: such as `amqps://account:password@broker/`. `http`: fills gaps, and answers for entries and keys."""
        self._url, self._queue, self._http = url, queue, http
        self._connection: Any = None
        self._channel: Any = None
        self._last: int | None = None

    def open(self) -> tuple[str, int]:
        return self._http.open()

    def entries(self, first: int) -> Page:
        return self._http.entries(first)

    def entry(self, position: int) -> Any:
        return self._http.entry(position)

    def listed_keys(self) -> Any:
        return self._http.listed_keys()

    def wait(self, seconds: float) -> list[Any]:
        """Take what is in the queue; acknowledge it in `done`. A lost connection is made anew at the next call."""
        try:
            self._connect()
            bodies = []
            for method, _properties, body in self._channel.consume(self._queue, inactivity_timeout=seconds):
                if method is None:
                    break
                self._last = method.delivery_tag
                bodies.append(body)
                if len(bodies) >= BATCH or not self._channel.get_waiting_message_count():
                    break
        except pika.exceptions.AMQPError as error:
            self._hang_up()
            raise OSError(f"the broker: {error!r}") from error
        return bodies

    def done(self) -> None:
        if self._last is not None:
            self._channel.basic_ack(self._last, multiple=True)
            self._last = None

    def close(self) -> None:
        """Close the connections; what is not acknowledged is delivered again."""
        self._hang_up()
        self._http.close()

    def _hang_up(self) -> None:
        connection, self._connection, self._channel, self._last = self._connection, None, None, None
        if connection is not None and connection.is_open:
            connection.close()

    def _connect(self) -> None:
        if self._connection is None or not self._connection.is_open:
            self._connection = pika.BlockingConnection(pika.URLParameters(self._url))
            self._channel = self._connection.channel()
            self._channel.basic_qos(prefetch_count=BATCH)
