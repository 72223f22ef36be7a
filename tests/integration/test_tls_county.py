"""The whole production county with docker-compose.tls.yml on top: TLS between all, and nobody without a certificate."""

from collections.abc import Iterator

import pytest

from tests.harness.compose_county import open_a_case, publish_an_item_and_its_guide, succeed, wait_until_shown
from tests.harness.county import CHANNELS
from tests.harness.tls_county import Secured, tls_county

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("tls_county"), pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    with tls_county(tmp_path_factory.mktemp("tls")) as secured:
        yield secured


def test_a_release_travels_through_the_whole_county_over_tls(secured: Secured) -> None:
    county = secured.county
    code = publish_an_item_and_its_guide(county)
    receipt = open_a_case(county, code)
    wait_until_shown(county, f"application:{receipt['case_ref']}")
    for name in CHANNELS:
        assert county.http(name).get(f"/{name}/v1/items/{code}").status_code == 200
    assert "the same source everywhere" in succeed(county, "cli", "verify")
