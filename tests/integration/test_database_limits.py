"""Nobody opens connections without bound: who comes when all are in use waits a moment, and is told to come again."""

import asyncio
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio.to_thread
import httpx
import psycopg
import pytest
import yaml
from fastapi import FastAPI
from sqlalchemy import text

from contracts.topology import AUDITOR
from services.runtime.process import HTTP_PROCESSES, PROCESSES, WORKERS
from shared.config import Settings
from shared.database.connection_limits import REQUEST_THREADS, SERVING, WAIT_SECONDS, WORKING, ConnectionLimits
from shared.database.engine import Database
from shared.errors import Unavailable
from shared.web.edge import make_api
from tests.harness.county import REPOSITORY
from tests.harness.rabbitmq import wait_until

pytestmark = [pytest.mark.servers]

SLOW_SECONDS = WAIT_SECONDS + 1.5
RESERVED = 3
"""`superuser_reserved_connections`, as PostgreSQL comes."""

BY_HAND = 20
"""Jobs, backups, the command line, and an operator's own psql."""


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    made = Database("web", database_url)
    yield made
    made.close()


def app_over(db: Database, tmp_path: Path) -> FastAPI:
    """A service with a slow page and a quick one."""
    api = make_api("slow", "Slow", Settings(data_dir=tmp_path), dict)

    @api.get("/slow")
    def slow() -> dict[str, int]:
        with db.read() as session:
            session.connection().execute(text("SELECT pg_sleep(:seconds)"), {"seconds": SLOW_SECONDS})
        return {}

    @api.get("/quick")
    def quick() -> dict[str, int]:
        with db.read() as session:
            return {"one": session.connection().execute(text("SELECT 1")).scalar_one()}

    return api


def connected(url: str, asking: str = "") -> int:
    """Connections to this database but the one that asks, if any that execute a statement with these words."""
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True, application_name="onlooker") as onlooker:
        row = onlooker.execute(
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE datname = current_database() AND application_name <> 'onlooker' "
            "AND (%(asking)s = '' OR state = 'active' AND strpos(query, %(asking)s) > 0)",
            {"asking": asking},
        ).fetchone()
        assert row is not None
        return int(row[0])


def test_sixty_slow_requests_at_once_are_answered_or_told_to_come_again(
    db: Database, database_url: str, tmp_path: Path
) -> None:
    most: list[int] = []

    async def sixty() -> list[httpx.Response]:
        transport = httpx.ASGITransport(app=app_over(db, tmp_path))
        async with httpx.AsyncClient(transport=transport, base_url="http://county", timeout=120) as client:
            requests = [asyncio.create_task(client.get("/slow")) for _ in range(60)]
            while not all(request.done() for request in requests):
                assert (await client.get("/healthz")).status_code == 200, "alive though every thread waits"
                most.append(await asyncio.to_thread(connected, database_url))
                await asyncio.sleep(0.2)
            assert (await client.get("/quick")).json() == {"one": 1}
            return [request.result() for request in requests]

    answers = asyncio.run(sixty())

    counted = Counter(answer.status_code for answer in answers)
    assert set(counted) == {200, 503}
    assert counted[200] >= SERVING.pooled
    assert all(int(answer.headers["retry-after"]) > 0 for answer in answers if answer.status_code == 503)
    assert max(most) <= SERVING.pooled


def test_the_direct_path_has_a_bound_too(db: Database, database_url: str) -> None:
    told: list[Any] = []

    def ask() -> None:
        try:
            told.append(db.fetch(text("SELECT pg_sleep(:seconds)"), seconds=SLOW_SECONDS))
        except Unavailable as error:
            told.append(error)

    threads = [threading.Thread(target=ask) for _ in range(3 * SERVING.direct)]
    for thread in threads:
        thread.start()
    most = 0
    while any(thread.is_alive() for thread in threads):
        most = max(most, connected(database_url, asking="pg_sleep"))
    wait_until(lambda: connected(database_url) <= SERVING.direct, "more connections stay open")  # one may be ending
    refused = [one for one in told if isinstance(one, Unavailable)]

    assert most <= SERVING.direct
    assert len(told) == 3 * SERVING.direct
    assert len(told) - len(refused) >= SERVING.direct
    assert refused
    assert db.fetch(text("SELECT 1")), "who comes afterwards is answered"


def test_a_request_thread_may_wait_for_a_connection_and_not_the_other_way_round() -> None:
    async def threads() -> float:
        return anyio.to_thread.current_default_thread_limiter().total_tokens

    assert asyncio.run(threads()) == REQUEST_THREADS > SERVING.pooled + SERVING.direct


def test_all_processes_together_fit_into_the_server_of_the_compose_file() -> None:
    compose = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text(encoding="utf-8"))
    options = compose["services"]["postgres"]["command"]
    (limit,) = [int(option.partition("=")[2]) for option in options if option.startswith("max_connections=")]
    shares: dict[str, ConnectionLimits] = {name: WORKING if name in WORKERS else SERVING for name in PROCESSES}

    assert {*HTTP_PROCESSES} >= {AUDITOR}
    assert {*shares} <= {*compose["services"]}
    assert sum(share.most for share in shares.values()) + BY_HAND + RESERVED <= limit
