"""The source of the FastStream peer: a POST is stored in PostgreSQL and confirmed by RabbitMQ before it is answered."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
from fastapi import FastAPI
from faststream.rabbit import ExchangeType, RabbitBroker, RabbitExchange
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from tests.bench.peers.tables import EXCHANGE, RELEASE

engine = create_async_engine(os.environ["PEER_DATABASE"], pool_size=16)
broker = RabbitBroker(os.environ["PEER_AMQP"])
exchange = RabbitExchange(EXCHANGE, type=ExchangeType.FANOUT, durable=True)


@asynccontextmanager
async def _connected(_app: FastAPI) -> AsyncIterator[None]:
    await broker.connect()
    await broker.declare_exchange(exchange)
    yield
    await broker.stop()
    await engine.dispose()


app = FastAPI(lifespan=_connected)


@app.get("/healthz")
async def healthz() -> dict[str, str]:
    """Answer as soon as the broker is connected."""
    return {"status": "ok"}


@app.post("/items/{key}")
async def release(key: str, document: dict[str, Any]) -> dict[str, Any]:
    """Store the next version, publish it, and answer when the broker has confirmed it."""
    values = {"key": key, "document": orjson.dumps(document).decode()}
    async with engine.begin() as connection:
        version = (await connection.execute(text(RELEASE), values)).scalar_one()
    message = {"key": key, "version": version, "document": document}
    await broker.publish(message, exchange=exchange, persist=True)
    return {"version": version}
