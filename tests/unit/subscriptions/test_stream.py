"""The event stream of a subscription: resumed by its ids; ended by a revocation, a new epoch, a stopping process."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest

from services.subscriptions.log.store import LogStore
from shared.web.event_stream import end_all
from tests.harness.pipeline import code_of, item, pipeline
from tests.harness.subscribers import Subscribers, running, subscribers

PATIENCE = 30.0
EVENT = re.compile(r"(?:id: (\S+)\n)?event: (\w+)\ndata: (.*)\n\n")


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Subscribers]:
    with pipeline(tmp_path / "county", channels=()) as made, subscribers(made, tmp_path) as service:
        yield service


class Reader:
    """One open stream: what came, and whether it has ended."""

    def __init__(self) -> None:
        self.text, self.status, self.ended = "", 0, False
        self.news = asyncio.Event()

    async def send(self, message: Any) -> None:
        self.status = message.get("status", self.status)
        self.text += message.get("body", b"").decode()
        self.ended = message["type"] == "http.response.body" and not message.get("more_body", False)
        self.news.set()

    @property
    def events(self) -> list[tuple[str, str, Any]]:
        """Id, name and data of each event."""
        return [(id_, name, orjson.loads(data)) for id_, name, data in EVENT.findall(self.text)]

    def told(self) -> list[str]:
        """Return the subjects of the events so far."""
        return [data["subject"] for _, name, data in self.events if name == "event"]

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until it holds."""
        async with asyncio.timeout(PATIENCE):
            while not condition():
                self.news.clear()
                await self.news.wait()


@asynccontextmanager
async def reading(service: Subscribers, subscription: Any, cursor: str = "") -> AsyncIterator[Reader]:
    """Open a stream meanwhile."""
    reader, left = Reader(), asyncio.Event()
    headers = [(b"authorization", f"Bearer {subscription['key']}".encode()), (b"last-event-id", cursor.encode())]
    scope = {"type": "http", "method": "GET", "path": "/v1/stream", "raw_path": b"/v1/stream", "query_string": b""}
    rest = {"headers": headers, "http_version": "1.1", "scheme": "http", "server": ("t", 80), "client": ("t", 1)}

    async def receive() -> Any:
        await left.wait()
        return {"type": "http.disconnect"}

    task = asyncio.create_task(service.parts.api({**scope, **rest}, receive, reader.send))
    try:
        yield reader
    finally:
        left.set()
        async with asyncio.timeout(PATIENCE):
            await task


def run(service: Subscribers, test: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        await test()

    with running(service.parts.hub.run):
        asyncio.run(main())


def release(service: Subscribers, *numbers: int) -> list[str]:
    for number in numbers:
        service.county.release(item(number))
    service.flow()
    return [f"item:{code_of(number)}" for number in numbers]


def test_what_was_released_and_what_follows_comes_with_ids_that_resume(service: Subscribers) -> None:
    one = service.add(start="everything")
    first = release(service, 1)

    async def test() -> None:
        async with reading(service, one) as reader:
            await reader.until(lambda: any(name == "sync" for _, name, _ in reader.events))
            second = await asyncio.to_thread(release, service, 2)
            await reader.until(lambda: len(reader.told()) == 2)
            assert reader.told() == first + second
        async with reading(service, one, cursor=reader.events[0][0]) as again:
            await again.until(lambda: bool(again.told()))
            assert again.told() == second

    run(service, test)


def test_a_cursor_of_another_epoch_gets_a_reset_and_the_stream_ends(service: Subscribers) -> None:
    one = service.add(start="everything")
    release(service, 1)
    cursor = service.feed(one).json()["cursor"]
    service.http.post("/v1/log/restart", params={"reason": "恢复"})

    async def test() -> None:
        async with reading(service, one, cursor) as reader:
            await reader.until(lambda: reader.ended)
        assert [(name, data) for _, name, data in reader.events] == [
            ("reset", {"reason": "epoch", "snapshot": "snapshot"})
        ]

    run(service, test)


def test_a_new_epoch_ends_an_open_stream_so_that_its_reader_starts_over(service: Subscribers) -> None:
    one = service.add(start="everything")
    release(service, 1, 2)

    async def test() -> None:
        async with reading(service, one) as reader:
            await reader.until(lambda: len(reader.told()) == 2)
            await asyncio.to_thread(service.http.post, "/v1/log/restart", params={"reason": "恢复"})
            await reader.until(lambda: reader.ended)

    run(service, test)


def test_a_revoked_key_ends_the_stream_at_once(service: Subscribers) -> None:
    one = service.add()

    async def test() -> None:
        async with reading(service, one) as reader:
            await reader.until(lambda: bool(reader.events))
            await asyncio.to_thread(service.http.delete, f"/v1/subscriptions/{one['id']}")
            await reader.until(lambda: reader.ended)

    run(service, test)
    assert service.feed(one).status_code == 401


def test_a_process_that_stops_sends_its_readers_away(service: Subscribers) -> None:
    one = service.add()

    async def test() -> None:
        async with reading(service, one) as reader:
            await reader.until(lambda: bool(reader.events))
            end_all()
            await reader.until(lambda: reader.ended)

    run(service, test)


def test_without_a_key_there_is_no_stream(service: Subscribers) -> None:
    async def test() -> None:
        async with reading(service, {"key": "tysub_" + "x" * 43}) as reader:
            await reader.until(lambda: reader.ended)
        assert reader.status == 401

    run(service, test)


def test_a_restart_of_the_process_keeps_the_log_and_its_cursors(service: Subscribers) -> None:
    one = service.add(start="everything")
    release(service, 1)
    cursor = service.feed(one).json()["cursor"]
    service.serve()
    release(service, 2)

    assert LogStore(service.db).state().position == 2
    assert service.events(one, cursor=cursor) == [(f"item:{code_of(2)}", 1)]
