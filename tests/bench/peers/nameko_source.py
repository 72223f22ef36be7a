"""The source of the nameko peer: a POST is stored in PostgreSQL and confirmed by RabbitMQ before it is answered."""

import json
import os
from typing import Any

from kombu import Exchange
from nameko.messaging import Publisher
from nameko.web.handlers import http
from sqlalchemy import create_engine, text

from tests.bench.peers.tables import EXCHANGE, RELEASE

engine = create_engine(os.environ["PEER_DATABASE"], pool_size=16)


class Source:
    """One service, as nameko's documentation writes it."""

    name = "source"
    publish = Publisher(exchange=Exchange(EXCHANGE, type="fanout", durable=True))

    @http("GET", "/healthz")
    def healthz(self, _request: Any) -> str:
        """Answer as soon as the service runs."""
        return "ok"

    @http("POST", "/items/<key>")
    def release(self, request: Any, key: str) -> str:
        """Store the next version, publish it, and answer when the broker has confirmed it."""
        document = json.loads(request.get_data())
        values = {"key": key, "document": json.dumps(document, ensure_ascii=False)}
        with engine.begin() as connection:
            version = connection.execute(text(RELEASE), values).scalar_one()
        self.publish({"key": key, "version": version, "document": document})
        return json.dumps({"version": version})
