"""deploy/gateway/nginx.conf in front of a running county: one address for the public, nothing but what is public."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tests.harness.county import CHANNELS, EmbeddedCounty, running
from tests.harness.gateway import gateway_before, gateway_in_front
from tests.harness.pipeline import code_of

NAMED, STRANGER = "127.0.0.9", "127.0.0.8"
"""Addresses from which a gateway in front asks: one that the operator has named, and one that he has not."""

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("gateway")]


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedCounty]:
    """An embedded county, whose one address stands for every service's."""
    made = EmbeddedCounty(tmp_path_factory.mktemp("county"), env={"TONGYUAN_LOOKUP_LIMIT": "10/hour"})
    with running(made):
        yield made


@pytest.fixture(scope="module")
def gateway(county: EmbeddedCounty, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of the gateway before the county."""
    with gateway_before(county, tmp_path_factory.mktemp("gateway"), named=[NAMED]) as address:
        yield address


def ask(source: str, gateway: str, case: int, forged: str = "") -> int:
    """Status of a look-up with a wrong pair, from an address of this machine."""
    wrong = {"project_no": str(case), "query_code": "ZZZZ-ZZZZ-ZZZZ"}
    headers = {"X-Forwarded-For": forged} if forged else {}
    with httpx.Client(transport=httpx.HTTPTransport(local_address=source)) as client:
        return client.post(f"{gateway}/web/v1/applications/lookup", json=wrong, headers=headers).status_code


def test_what_is_public_is_behind_one_address(gateway: str) -> None:
    assert httpx.get(f"{gateway}/").headers["location"] == "/web/", "with TLS in front, the scheme is not the reader's"
    assert "Sitemap: " in httpx.get(f"{gateway}/robots.txt", follow_redirects=True).text
    for name in CHANNELS:
        assert httpx.get(f"{gateway}/{name}/").status_code == 200
        assert httpx.get(f"{gateway}/{name}/v1/source").json()["channel"] == name
    assert httpx.get(f"{gateway}/ledger/v1/head").json()["size"] == 0
    assert httpx.get(f"{gateway}/verify/").status_code == 200
    printed = f"{code_of(1)}/1/{'ab' * 8}"
    for typed in (f"/V/G/{printed.upper()}", f"/v/g/{printed.lower()}/"):
        assert httpx.get(gateway + typed).headers["location"] == f"/verify/guide/{printed}"


@pytest.mark.parametrize(
    ("path", "body", "status", "words"),
    [
        ("/nothing", b"", 404, "没有这个页面"),
        ("/catalog/v1/items", b"", 404, "没有这个页面"),
        ("/web/progress", b"x" * (1_048_576 + 1), 413, "发送的内容太大"),
        ("/web/" + "a" * 9_000, b"", 414, "地址太长"),
    ],
    ids=["nowhere", "not-public", "too-large", "too-long"],
)
def test_the_gateways_own_errors_are_pages_for_browsers_and_problems_for_programs(
    gateway: str, path: str, body: bytes, status: int, words: str
) -> None:
    method = "POST" if body else "GET"
    page = httpx.request(method, gateway + path, content=body, headers={"Accept": BROWSER})
    answer = httpx.request(method, gateway + path, content=body)

    assert page.status_code == answer.status_code == status
    if status == 414:  # nginx refuses the line before it has read what the client accepts
        assert "nginx/" not in page.text
        return
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert words in page.text
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status


def test_a_service_that_does_not_answer_is_told_by_the_gateway_in_words(tmp_path: Path) -> None:
    county = EmbeddedCounty(tmp_path / "county")
    with running(county), gateway_before(county, tmp_path / "inner") as address:
        county.stop()
        page = httpx.get(f"{address}/web/", headers={"Accept": BROWSER}, timeout=60)
        screen = httpx.get(f"{address}/kiosk/items", headers={"Accept": BROWSER}, timeout=60)
        answer = httpx.get(f"{address}/web/v1/items", timeout=60)

    assert page.status_code == answer.status_code == 502
    assert 'href="/"' in page.text
    assert "http-equiv" not in page.text
    assert '<meta http-equiv="refresh" content="30; url=/kiosk/">' in screen.text
    assert page.headers["retry-after"] == answer.headers["retry-after"] == "2"
    assert "系统现在忙" in page.text
    assert answer.json()["status"] == 502


def test_events_come_at_once(gateway: str) -> None:
    with httpx.stream("GET", f"{gateway}/web/v1/stream", timeout=60) as stream:
        lines = stream.iter_lines()
        assert any(line == "event: sync" for line in lines)
        assert any(line == "event: head" for line in lines), "the next head, two seconds later"


def test_look_ups_are_limited_by_the_readers_own_address_which_nobody_can_choose(gateway: str) -> None:
    cases = iter(range(100))
    forging = [ask("127.0.0.3", gateway, next(cases), forged=f"10.0.0.{number}") for number in range(12)]
    assert forging.count(404) == 10
    assert forging[-1] == 429
    assert ask("127.0.0.4", gateway, next(cases)) == 404


def test_behind_a_gateway_that_is_named_each_reader_has_limits_of_his_own(gateway: str, tmp_path: Path) -> None:
    cases = iter(range(1000, 2000))
    with gateway_in_front(gateway, tmp_path, arrives_from=NAMED) as outer:
        greedy = [ask("127.0.0.11", outer, next(cases), forged=f"10.1.0.{number}") for number in range(12)]
        others = [ask(f"127.0.0.{number}", outer, next(cases)) for number in range(12, 16)]

    assert greedy.count(404) == 10, "what he says of himself does not count"
    assert greedy[-1] == 429
    assert others == [404] * 4


def test_a_gateway_that_nobody_has_named_is_one_reader(gateway: str, tmp_path: Path) -> None:
    cases = iter(range(3000, 4000))
    with gateway_in_front(gateway, tmp_path, arrives_from=STRANGER) as outer:
        tries = [ask(f"127.0.0.{20 + number}", outer, next(cases)) for number in range(12)]

    assert tries.count(404) == 10
    assert tries[-1] == 429


def test_only_a_named_gateway_says_that_a_reader_came_by_tls(gateway: str, tmp_path: Path) -> None:
    with gateway_in_front(gateway, tmp_path / "named", arrives_from=NAMED) as outer:
        assert "strict-transport-security" in httpx.get(f"{outer}/web/").headers
    with gateway_in_front(gateway, tmp_path / "stranger", arrives_from=STRANGER) as outer:
        assert "strict-transport-security" not in httpx.get(f"{outer}/web/").headers


def test_who_asks_without_end_is_told_to_wait_and_nobody_else_is(county: EmbeddedCounty, tmp_path: Path) -> None:
    most = 2_000
    with gateway_before(county, tmp_path, requests_a_second=1) as gateway:
        with httpx.Client(transport=httpx.HTTPTransport(local_address="127.0.0.31")) as greedy:
            asked = [greedy.get(f"{gateway}/web/v1/position").status_code]
            while asked[-1] == 200 and len(asked) < most:
                asked.append(greedy.get(f"{gateway}/web/v1/position").status_code)
        with httpx.Client(transport=httpx.HTTPTransport(local_address="127.0.0.32")) as other:
            assert other.get(f"{gateway}/web/v1/position").status_code == 200

    assert asked[-1] == 429
    assert len(asked) > 300, "a browser that loads a page asks for thirty files at once"


def test_the_screens_of_a_hall_live_behind_one_address_and_one_address_has_no_end_of_streams(gateway: str) -> None:
    hall = 60
    with ExitStack() as open_streams:
        client = open_streams.enter_context(streaming("127.0.0.41"))
        found = []
        while len(found) < 260 and (not found or found[-1] == 200):
            answer = open_streams.enter_context(client.stream("GET", f"{gateway}/kiosk/v1/stream"))
            found.append(answer.status_code)
        with streaming("127.0.0.42") as another, another.stream("GET", f"{gateway}/kiosk/v1/stream") as stream:
            assert stream.status_code == 200

    assert found.count(200) >= hall
    assert found[-1] in (429, 503)


def streaming(source: str) -> httpx.Client:
    limits = httpx.Limits(max_connections=None)
    return httpx.Client(transport=httpx.HTTPTransport(local_address=source, limits=limits), timeout=60)
