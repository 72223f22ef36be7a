"""Concurrent requests: every caller gets the answer to its own request."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest
from fastapi import FastAPI, Request, Response
from hypothesis import given
from hypothesis import strategies as st

from shared.web.response_cache import (
    CachedService,
    ResponseCache,
    ResponseCacheMiddleware,
    StoreVersion,
    shareable,
    shareable_addresses,
)
from shared.web.response_cache.sharing import INVISIBLE, PACKING

FOR_ITS_ASKER = {
    "cookie": {"Set-Cookie": "session=1"},
    "no-store": {"Cache-Control": "max-age=0, No-Store"},
    "private": {"Cache-Control": 'private="x-token"'},
    "language": {"Vary": "Accept-Language"},
    "anything": {"Vary": "*"},
}
"""Headers of an answer, by the word in the address that asks for them."""

EVERYBODYS = {"plain": {}, "tagged": {"ETag": '"same"'}, "encoding": {"Vary": "accept-encoding, Cookie"}}


@dataclass
class Echo:
    """A service whose answers contain what it saw of the request, and a running number."""

    made: Counter[str] = field(default_factory=Counter)

    def app(self) -> FastAPI:
        api = FastAPI()

        @api.get("/shared/{kind}")
        @shareable
        async def shared(request: Request, kind: str) -> Response:
            return await self._answer(request, kind)

        @api.get("/own/{kind}")
        async def own(request: Request, kind: str) -> Response:
            return await self._answer(request, kind)

        return api

    async def _answer(self, request: Request, kind: str) -> Response:
        self.made[request.url.path] += 1
        number = self.made.total()
        await asyncio.sleep(0)
        seen = sorted((name, value) for name, value in request.headers.items())
        client = request.client.host if request.client else None
        body = {"seen": seen, "number": number, "client": client, "address": str(request.url)}
        await asyncio.sleep(0)
        return Response(orjson.dumps(body), headers={**FOR_ITS_ASKER, **EVERYBODYS}[kind])


class House:
    """`Echo` as the service `web` behind the cache; `ask` sends one request."""

    def __init__(self) -> None:
        self.echo = Echo()
        api = self.echo.app()
        page = ResponseCache("test", lambda: (StoreVersion("e", 1), 1.0))
        page.turn(StoreVersion("e", 1))
        self.front = ResponseCacheMiddleware(self._mounted(api), {"web": CachedService(page, shareable_addresses(api))})

    @staticmethod
    def _mounted(api: FastAPI) -> Any:
        async def mounted(scope, receive, send):
            await api({**scope, "path": scope["path"].removeprefix("/web")}, receive, send)

        return mounted

    async def ask(self, path: str, headers: list[tuple[str, str]], scheme: str = "http", client: str = "10.0.0.1"):
        sent: list[Any] = []
        raw = [(name.encode(), value.encode()) for name, value in headers]
        scope = {"type": "http", "method": "GET", "scheme": scheme, "path": f"/web{path}", "query_string": b""}
        scope |= {"raw_path": f"/web{path}".encode(), "headers": raw, "client": (client, 1), "server": ("inside", 80)}

        async def receive():
            return {"type": "http.request", "body": b""}

        async def send(message):
            sent.append(message)

        await self.front(scope, receive, send)
        assert sent[0]["status"] == 200
        return sent[0]["headers"], orjson.loads(b"".join(part.get("body", b"") for part in sent[1:]))

    def together(self, *requests: Any) -> list[Any]:
        async def all_at_once():
            return await asyncio.gather(*(self.ask(*request) for request in requests))

        return asyncio.run(all_at_once())


VALUE = st.sampled_from(["1", "2"])
NAMES = [
    *("authorization", "cookie", "webhook-secret", "x-unheard-of", "x-api-key", "range", "origin"),
    *("accept-language", "user-agent", "x-forwarded-for", "referer", "if-none-match", "accept-encoding"),
]
HEADERS = st.lists(st.tuples(st.sampled_from(NAMES), VALUE), max_size=2, unique_by=lambda pair: pair[0])
HOSTS = st.sampled_from([[("host", "county")], [("host", "evil")], [("host", "county"), ("host", "evil")], []])
PATHS = st.tuples(st.sampled_from(["shared", "own"]), st.sampled_from([*FOR_ITS_ASKER, *EVERYBODYS])).map(
    lambda parts: f"/{parts[0]}/{parts[1]}"
)
REQUEST = st.tuples(
    PATHS,
    st.tuples(HOSTS, HEADERS).map(lambda parts: [*parts[0], *parts[1]]),
    st.sampled_from(["http", "https"]),
    st.sampled_from(["10.0.0.1", "10.0.0.2"]),
)


def alone(path: str) -> bool:
    return path.startswith("/own/") or path.rpartition("/")[2] in FOR_ITS_ASKER


@given(st.lists(REQUEST, min_size=1, max_size=12))
def test_everybody_gets_the_answer_to_his_own_request(requests):
    answers = House().together(*requests)

    numbers = Counter(answer["number"] for _, answer in answers)
    for (path, headers, scheme, client), (_, answer) in zip(requests, answers, strict=True):
        hidden = set() if path.startswith("/own/") else set(PACKING)
        joins = {name.encode() for name, _ in headers} <= {*INVISIBLE, *PACKING, b"host"}
        sent = sorted([name, value] for name, value in headers if name.encode() not in hidden)
        seen = answer["seen"]
        if not (path.startswith("/own/") or "Vary" in FOR_ITS_ASKER.get(path.rpartition("/")[2], {})):
            sent, seen = visible(sent), visible(seen)
        assert seen == sent, "what the app saw is what this reader sent"
        assert answer["address"].startswith(f"{scheme}://")
        assert answer["client"] in (client, None)
        if alone(path) or not joins:
            assert numbers[answer["number"]] == 1, "an answer for one reader has reached two"


def visible(headers):
    return [pair for pair in headers if pair[0].encode() not in INVISIBLE]


@pytest.mark.parametrize("kind", FOR_ITS_ASKER)
def test_those_who_waited_for_what_turns_out_to_be_anothers_ask_for_themselves(kind):
    answers = House().together(*[(f"/shared/{kind}", [("host", "county")])] * 20)

    assert len({answer["number"] for _, answer in answers}) == 20


@pytest.mark.parametrize("kind", EVERYBODYS)
def test_what_is_everybodys_is_made_once_for_all_who_ask_at_once(kind):
    house = House()
    requests = [(f"/shared/{kind}", [("host", "county"), ("user-agent", str(number))]) for number in range(20)]

    assert len({answer["number"] for _, answer in house.together(*requests)}) == 1
    assert house.echo.made.total() == 1


def test_a_route_that_does_not_say_that_it_is_shared_is_not():
    answers = House().together(*[("/own/tagged", [("host", "county")])] * 10)

    assert len({answer["number"] for _, answer in answers}) == 10


def test_a_shared_route_sees_nobodys_address_browser_or_language():
    ((_, answer),) = House().together(
        ("/shared/plain", [("host", "county"), ("referer", "x"), ("user-agent", "y"), ("accept-language", "zh")])
    )

    assert answer["seen"] == [["host", "county"]]
    assert answer["client"] is None


def test_an_answer_that_varies_with_the_language_is_made_for_each_readers_own():
    readers = [("/shared/language", [("host", "county"), ("accept-language", which)]) for which in ("zh", "en", "zh")]

    answers = House().together(*readers)

    spoken = [dict(answer["seen"])["accept-language"] for _, answer in answers]
    assert spoken == ["zh", "en", "zh"]


def test_who_waited_for_one_that_was_cut_off_asks_for_himself():
    house = House()

    async def cut_off():
        first = asyncio.create_task(house.ask("/shared/plain", [("host", "county")]))
        await asyncio.sleep(0)
        others = [asyncio.create_task(house.ask("/shared/plain", [("host", "county")])) for _ in range(3)]
        await asyncio.sleep(0)
        first.cancel()
        return await asyncio.gather(*others)

    assert len(asyncio.run(cut_off())) == 3
