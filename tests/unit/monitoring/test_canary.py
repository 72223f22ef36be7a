"""The canary: a version a minute takes the way of every release, and nobody can see it."""

import pytest
from prometheus_client import REGISTRY

from contracts.kinds import CANARY, KINDS, is_listed, is_public, kind_of
from services.applications.canary import CanaryReleases, canary_work
from services.channels.api import queries
from services.channels.core.digests import digest_lines, served_lines
from tests.harness.pipeline import CHANNELS, REGION, Pipeline, item


@pytest.fixture
def county(tmp_path):
    return Pipeline(tmp_path)


def canary(county, seconds=0.001):
    return CanaryReleases(county.dbs["applications"], REGION, seconds)


def shown(county, channel):
    with county.dbs[channel].read() as session:
        return queries.canary_version(session)


def measured(name, **labels):
    return REGISTRY.get_sample_value(name, labels)


def test_its_key_is_of_a_kind_that_is_neither_public_nor_listed():
    kind = kind_of(CANARY)

    assert KINDS[kind].has(CANARY)
    assert not is_public(kind)
    assert not is_listed(kind)


def test_each_version_reaches_every_channel_the_way_of_a_release(county):
    for version in (1, 2, 3):
        canary(county).step()
        county.flow()

        assert {shown(county, channel) for channel in CHANNELS} == {version}
    assert measured("tongyuan_canary_released_version") == 3


def test_a_channel_measures_how_long_the_canary_took(county):
    before = {name: measured("tongyuan_canary_latency_seconds_count", channel=name) or 0 for name in CHANNELS}

    canary(county).step()
    county.flow()

    after = {name: measured("tongyuan_canary_latency_seconds_count", channel=name) for name in CHANNELS}
    assert after == {name: count + 1 for name, count in before.items()}


@pytest.mark.parametrize("channel", CHANNELS)
def test_nobody_sees_it_in_any_list_change_search_count_or_digest(county, channel):
    county.release(item(1))
    county.flow()

    def public():
        paths = ("items", "guides", "changes", "search?q=canary", "sets", "parked")
        answers = {path: county.get(f"{channel}/v1/{path}").json() for path in paths}
        answers["changes"].pop("cursor")
        with county.dbs[channel].read() as session:
            return answers, queries.counts(session), digest_lines(served_lines(session)).buckets

    before = public()
    canary(county).step()
    county.flow()

    assert shown(county, channel) == 1
    assert public() == before


def test_two_processes_release_no_more_than_one(county):
    one, other = canary(county, 3600), canary(county, 3600)
    for _ in range(3):
        one.step()
        other.step()
    county.flow()

    assert shown(county, "web") == 1


def test_a_restart_goes_on_where_the_canary_was(county):
    canary(county).step()
    canary(county).step()
    county.flow()

    assert shown(county, "kiosk") == 2


def test_without_an_interval_there_is_none(county):
    assert canary_work(county.dbs["applications"], REGION, 0) == {}
