"""deploy/gateway/nginx.conf in front of a running county: one address for the public, nothing but what is public."""

from collections.abc import Iterator

import httpx
import pytest

from tests.harness.county import CHANNELS, SERVICES, EmbeddedCounty, running
from tests.harness.gateway import gateway_before

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("gateway")]


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of the gateway; behind it an embedded county, whose one address stands for every service's."""
    folder = tmp_path_factory.mktemp("gateway")
    with running(EmbeddedCounty(folder / "county")) as county, gateway_before(county, folder) as address:
        yield address


def ask(source: str, gateway: str, case: int, forged: str = "") -> int:
    """Status of a look-up with a wrong pair, from an address of this machine."""
    wrong = {"project_no": str(case), "query_code": "ZZZZ-ZZZZ-ZZZZ"}
    headers = {"X-Forwarded-For": forged} if forged else {}
    with httpx.Client(transport=httpx.HTTPTransport(local_address=source)) as client:
        return client.post(f"{gateway}/web/v1/applications/lookup", json=wrong, headers=headers).status_code


def test_what_is_public_is_behind_one_address(gateway: str) -> None:
    assert httpx.get(f"{gateway}/").headers["location"].endswith("/web/")
    for name in CHANNELS:
        assert httpx.get(f"{gateway}/{name}/").status_code == 200
        assert httpx.get(f"{gateway}/{name}/v1/source").json()["channel"] == name
    assert httpx.get(f"{gateway}/ledger/v1/head").json()["size"] == 0
    assert httpx.get(f"{gateway}/verify/").status_code == 200
    assert httpx.get(f"{gateway}/V/G/X/1/0").headers["location"].endswith("/verify/guide/X/1/0")


def test_what_is_not_public_is_not_there(gateway: str) -> None:
    sources = set(SERVICES) - {*CHANNELS, "ledger"}
    inner = ("metrics", "readyz", "v1/parked", "v1/rebuild", "v1/trace/x", "/v1/parked", "x/../v1/parked")
    closed = [f"/{name}/v1/releases/heads" for name in sources] + [
        f"/{name}/{path}" for name in CHANNELS for path in inner
    ]
    for path in [*closed, "/metrics", "/catalog/openapi.json"]:
        answer = httpx.get(f"{gateway}{path}")
        assert answer.status_code == 404, path
        assert "nginx" in answer.text, f"{path} was answered by the county"


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
