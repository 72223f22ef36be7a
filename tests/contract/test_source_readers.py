"""A source tells the ledger the same over HTTP and within one process: its keys, how far it is, what it released."""

import pytest
from starlette.testclient import TestClient

from contracts.envelope.publication import Lane
from shared.errors import UpstreamDown
from shared.feeds.upstream import HttpSource
from shared.web.server.process import mount
from tests.harness.pipeline import SERVICE, item, pipeline
from tests.harness.signing import sign_releases


@pytest.fixture
def county(tmp_path):
    with pipeline(tmp_path, channels=[]) as made:
        yield made


def over_http(county, app=None):
    http = TestClient(mount(app), raise_server_exceptions=False) if app is not None else county.http
    http.headers["Authorization"] = f"Bearer {SERVICE}"
    return HttpSource(http, "catalog")


def test_keys_heads_and_releases_are_the_same_both_ways(county):
    sign_releases(county)
    made = county.release(item(1))
    http, local = over_http(county), county.readers["catalog"]

    assert _public(http.keys()) == _public(local.keys())
    assert http.heads() == local.heads() == {"live": 1, "backfill": 0}
    assert http.releases(Lane.LIVE, 0, 10) == local.releases(Lane.LIVE, 0, 10)
    assert http.release(made.key, 1).source_signature == made.source_signature


def _public(offered):
    return [key.public_key for key in offered]


def test_the_keys_are_for_everybody_to_read(county):
    sign_releases(county)
    answer = county.get("catalog/v1/keys")

    assert answer.status_code == 200
    assert [key["name"] for key in answer.json()["keys"]] == ["tongyuan/339921000000/catalog"]
    assert "PRIVATE" not in answer.text


def test_a_source_of_before_signatures_offers_no_keys(county):
    assert list(over_http(county).keys()) == list(county.readers["catalog"].keys()) == []
    assert list(over_http(county, {}).keys()) == []


async def nonsense(_scope, _receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b'{"keys": [{"key_id": "x"}], "live": "many"}'})


def test_an_answer_that_is_none_is_no_answer(county):
    source = over_http(county, {"catalog": nonsense})
    with pytest.raises(UpstreamDown):
        source.keys()
    with pytest.raises(UpstreamDown):
        source.heads()
