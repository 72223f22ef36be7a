"""A subscriber of the FastStream peer, `PEER_NAME` says which. A message is acknowledged after the commit."""

import asyncio
import os
from typing import Any

import orjson
from faststream import AckPolicy, FastStream
from faststream.rabbit import Channel, ExchangeType, QueueType, RabbitBroker, RabbitExchange, RabbitQueue
from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from tests.bench.peers.tables import EXCHANGE, NOTIFY, show, word

NAME = os.environ["PEER_NAME"]
engine = create_async_engine(os.environ["PEER_DATABASE"], pool_size=8)
broker = RabbitBroker(os.environ["PEER_AMQP"], default_channel=Channel(prefetch_count=100))
queue = RabbitQueue(f"{EXCHANGE}.{NAME}", queue_type=QueueType.QUORUM)
exchange = RabbitExchange(EXCHANGE, type=ExchangeType.FANOUT, durable=True)


class Release(BaseModel):
    """A message of the source."""

    key: str
    version: int
    document: dict[str, Any]


@broker.subscriber(queue, exchange, ack_policy=AckPolicy.NACK_ON_ERROR)
async def take(release: Release) -> None:
    """Store the version and say so."""
    values = {"key": release.key, "version": release.version, "document": orjson.dumps(release.document).decode()}
    async with engine.begin() as connection:
        await connection.execute(text(show(NAME)), values)
        await connection.execute(text(NOTIFY), {"word": word(NAME, release.key, release.version)})


if __name__ == "__main__":
    asyncio.run(FastStream(broker).run())
