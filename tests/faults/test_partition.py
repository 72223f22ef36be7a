"""A real partition: a channel's worker in a network namespace of its own, with one cable, which is cut and narrowed."""

import re
from contextlib import ExitStack

import pytest

from tests.harness.blows import Blow
from tests.harness.county import Elsewhere
from tests.harness.invariants import judge
from tests.harness.island import island
from tests.harness.proxy import Proxy
from tests.harness.schedule import besiege, siege

pytestmark = [
    pytest.mark.long,
    pytest.mark.servers,
    pytest.mark.timeout(900),
    pytest.mark.xdist_group("county"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
AWAY = "kiosk-worker"
CUT_SECONDS = 30.0
"""Longer than two heartbeats, and than everything that TCP is given to wait for an acknowledgement."""


def test_a_channel_that_is_cut_off_by_the_network_shows_what_it_has_and_catches_up(tmp_path):
    with ExitStack() as stack:
        place, site = stack.enter_context(island()), stack.enter_context(siege(tmp_path))
        move(stack, site.county, place)
        site.cable = place
        before = position(site.county)
        blows = [
            Blow(1.0, "cable cut", "", CUT_SECONDS),
            Blow(1.0, "cable 256kbit", "", 15.0),
            Blow(1.0, "cable cut", "", 3.0),
        ]
        over = iter([*(False for _ in blows), True])
        try:
            besiege(site, iter(blows), lambda: next(over))
        finally:
            site.history.save(tmp_path / "history.jsonl")

        assert position(site.county) > before
        judge(site.history)


def move(stack, county, place):
    """The worker runs on the island from now on, and reaches broker, database and ledger over the cable alone."""
    found = {}
    for name in ("TONGYUAN_AMQP_URL", "TONGYUAN_DATABASE_URL", "TONGYUAN_LEDGER_URL"):
        port = int(re.search(r"127\.0\.0\.1:(\d+)", county.env[name])[1])
        end = stack.enter_context(Proxy(port, place.here))
        found[name] = county.env[name].replace(f"127.0.0.1:{port}", f"{place.here}:{end.port}")
    county.kill(AWAY)
    county.elsewhere[AWAY] = Elsewhere(place.there, {**found, "TONGYUAN_HOST": place.there}, place.command)
    county.restart(AWAY)
    county.wait_ready(AWAY)


def position(county):
    return county.http("kiosk").get("/kiosk/v1/position").json()["position"]
