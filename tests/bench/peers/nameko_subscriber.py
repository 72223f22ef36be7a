"""A subscriber of the nameko peer; `PEER_NAME` says which of the four. A message is acknowledged after the commit."""

import json
import os
from typing import Any

from kombu import Exchange, Queue
from nameko.messaging import consume
from sqlalchemy import create_engine, text

from tests.bench.peers.tables import EXCHANGE, NOTIFY, show, word

NAME = os.environ["PEER_NAME"]
engine = create_engine(os.environ["PEER_DATABASE"], pool_size=8)
queue = Queue(
    f"{EXCHANGE}.{NAME}",
    exchange=Exchange(EXCHANGE, type="fanout", durable=True),
    durable=True,
    queue_arguments={"x-queue-type": "quorum"},
)


class Subscriber:
    """One service, as nameko's documentation writes it."""

    name = f"subscriber_{NAME}"

    @consume(queue, requeue_on_error=True)
    def take(self, release: dict[str, Any]) -> None:
        """Store the version and say so."""
        key, version = release["key"], release["version"]
        values = {"key": key, "version": version, "document": json.dumps(release["document"], ensure_ascii=False)}
        with engine.begin() as connection:
            connection.execute(text(show(NAME)), values)
            connection.execute(text(NOTIFY), {"word": word(NAME, key, version)})
