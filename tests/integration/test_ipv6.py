"""A county that listens on `::` is read over IPv6: pages, streams, health and the command line."""

import http.client
from collections.abc import Iterator
from contextlib import closing
from functools import partial

import httpx
import pytest

from tests.harness.county import CHANNELS, EmbeddedCounty, running, wait_for

PATIENCE = 120.0


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedCounty]:
    made = EmbeddedCounty(tmp_path_factory.mktemp("ipv6"), "--demo", env={"TONGYUAN_HOST": "::"})
    with running(made):
        yield made


def test_every_channel_is_read_over_ipv6(county: EmbeddedCounty) -> None:
    with httpx.Client(
        base_url=f"http://[::1]:{county.env['TONGYUAN_PORT']}", trust_env=False, timeout=PATIENCE
    ) as reader:
        assert reader.get("/healthz").status_code == 200
        for channel in CHANNELS:
            assert reader.get(f"/{channel}/").status_code == 200, channel
            position = partial(reader.get, f"/{channel}/v1/position")
            wait_for(lambda position=position: position().json()["position"] > 0, f"{channel} shows the demo", PATIENCE)


def test_a_screen_hears_over_ipv6(county: EmbeddedCounty) -> None:
    with closing(http.client.HTTPConnection("::1", int(county.env["TONGYUAN_PORT"]), timeout=30)) as connection:
        connection.request("GET", "/kiosk/v1/stream")
        answer = connection.getresponse()
        assert answer.getheader("Content-Type", "").startswith("text/event-stream")
        assert b"event: sync" in answer.read1(4096)


def test_the_command_line_finds_the_county_where_it_listens(county: EmbeddedCounty) -> None:
    wait_for(lambda: county.cli("status").returncode == 0, "all is well", PATIENCE)
