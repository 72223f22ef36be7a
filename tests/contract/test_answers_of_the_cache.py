"""Every real route of channels and ledger answers through the cache as it answers without, and each reader his own."""

import asyncio
import re
from typing import Any

import httpx
import pytest
from fastapi.routing import iter_route_contexts
from starlette.testclient import TestClient

from tests.harness.pipeline import CHANNELS, SERVICE, code_of, guide, item, pipeline
from tests.harness.subscribing import App

CODE = code_of(1)
PLACES = (*CHANNELS, "ledger", "verify", "V", "v")
VALUES = {"code": CODE, "position": "1", "kind": "item", "bucket": "0", "key": f"item:{CODE}", "version": "1"}
VALUES |= {"by": "person", "name": "base.css", "hook": f"hook_{'0' * 24}", "path": "x", "rest": "1/0", "letter": "G"}
VALUES |= {"file_name": f"{'0' * 64}.pdf"}
QUERIES = ("?q=身份证", "?limit=1&after=x", "?from=0&to=1&size=1&since=0&leaf=1&position=1&first=1&second=1&after=0")
READERS: dict[str, dict[str, str]] = {
    "anybody": {"accept-language": "zh", "user-agent": "a browser"},
    "another": {"accept-language": "en", "x-forwarded-for": "10.9.9.9", "cache-control": "no-cache"},
    "a service": {"authorization": f"Bearer {SERVICE}"},
    "who guesses": {"authorization": "Bearer guess"},
    "a screen": {"cookie": "tongyuan_screen_name=hall-1"},
    "an app": {"webhook-secret": "whsec_wrong"},
    "elsewhere": {"host": "elsewhere:81"},
}
CHANGING = {"metrics", "unanswered"}
"""What a process counts: the two fronts count apart."""

DRAWN_ANEW = re.compile(rb'value="[0-9a-f]{32}"|"(?:time|age_seconds|at)":\s*"?[^,"}]*')
OF_THE_CACHE = {"vary", "content-length"}


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory):
    with pipeline(tmp_path_factory.mktemp("cache")) as made:
        made.release(item(1))
        made.release(guide(1))
        made.flow()
        yield made


def addresses(county: Any) -> list[str]:
    """Every address that answers GET, with real values in it."""
    found = []
    for place in PLACES:
        for context in iter_route_contexts(county.api(place).routes):
            path = re.sub(r"{(\w+)[^}]*}", lambda part: VALUES[part[1]], context.path or "")
            if "GET" in (context.methods or ()) and not path.endswith(("/stream", *CHANGING)):
                found.append(f"/{place}{path}")
    return found


def said(answer: httpx.Response) -> tuple[Any, ...]:
    """What counts of an answer."""
    headers = {name: value for name, value in answer.headers.items() if name not in OF_THE_CACHE}
    if DRAWN_ANEW.search(answer.content):
        headers.pop("etag", None)
    return answer.status_code, headers, DRAWN_ANEW.sub(b"...", answer.content)


def test_every_route_answers_each_reader_as_without_the_cache(county):
    without = county.http
    through = TestClient(county.front, raise_server_exceptions=False, follow_redirects=False)
    wrong = []
    found = addresses(county)
    assert len(found) > 100

    asked = [(address, reader) for address in found for reader in READERS]
    asked += [(address + query, "anybody") for address in found if "/v1/" in address for query in QUERIES]
    for address, reader in asked:
        headers = {"accept-encoding": "identity", **READERS[reader]}
        if said(through.get(address, headers=headers)) != said(without.get(address, headers=headers)):
            wrong.append((address, reader))

    assert wrong == []


def at_once(county: Any, address: str, readers: list[dict[str, str]]) -> list[httpx.Response]:
    async def together() -> list[httpx.Response]:
        transport = httpx.ASGITransport(app=county.front)
        async with httpx.AsyncClient(transport=transport, base_url="http://county") as client:
            return await asyncio.gather(*(client.get(address, headers=headers) for headers in readers))

    return asyncio.run(together())


def test_twenty_readers_who_open_the_feedback_form_at_once_get_a_form_each(county):
    answers = at_once(county, f"/web/items/{CODE}/feedback", [{}] * 20)

    assert len({re.findall(r'value="([0-9a-f]{32})"', answer.text)[0] for answer in answers}) == 20


def test_a_wrong_secret_that_comes_with_the_right_one_is_refused(county):
    app = App(county)
    app.allow("receiver:80")
    hook = app.subscribe("http://receiver:80/moved")
    secrets = [hook["secret"], *["whsec_wrong"] * 5] * 5

    answers = at_once(county, f"/mobile/v1/hooks/{hook['id']}", [{"webhook-secret": secret} for secret in secrets])

    assert [answer.status_code for answer in answers] == [200, *[404] * 5] * 5
