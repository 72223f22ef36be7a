"""A real Prometheus and Alertmanager watch a running county: the SLOs are measured, every panel has data, a page comes.

Every `for` is 60 times shorter, and Prometheus looks every second.
"""

import httpx
import pytest

from services.deployment.dashboards import DASHBOARDS
from services.runtime.manifests import CHANNELS
from tests.harness.county import EmbeddedCounty, running, wait_for
from tests.harness.prometheus import PANEL_VALUES, Monitoring, asked

pytestmark = [pytest.mark.xdist_group("monitoring"), pytest.mark.timeout(600)]
QUICKER = 60.0
PANELS = [(one, panel) for one in DASHBOARDS for panel in one.panels]


@pytest.fixture(scope="module")
def county(tmp_path_factory):
    folder = tmp_path_factory.mktemp("watched")
    with running(EmbeddedCounty(folder, "--demo", env={"TONGYUAN_CANARY_INTERVAL": "1"})) as made:
        yield made


@pytest.fixture(scope="module")
def monitoring(county, tmp_path_factory):
    target = {"up": f"{county.url('ledger')}/ledger/metrics"}
    with Monitoring(tmp_path_factory.mktemp("monitoring"), target, QUICKER).running() as made:
        yield made


def value(monitoring, expression):
    return {
        one["metric"].get("channel", ""): float(one["value"][1]) for one in monitoring.query(expression)
    }  # fmt: skip


def test_the_slos_are_measured_with_the_canary(county, monitoring):
    fresh, consistent = "channel:tongyuan_canary_fresh:bool", "county:tongyuan_canary_consistent:bool"

    def measured():
        return value(monitoring, fresh) == dict.fromkeys(CHANNELS, 1.0) and value(monitoring, consistent) == {"": 1.0}

    wait_for(measured, "all channels are fresh and consistent", 240, lambda: str(monitoring.query("up")))
    latency = value(monitoring, "sum by (channel) (tongyuan_canary_latency_seconds_count)")
    assert latency.keys() == set(CHANNELS)
    assert all(latency.values())


@pytest.mark.parametrize(("dashboard", "panel"), PANELS, ids=lambda one: getattr(one, "uid", getattr(one, "title", "")))
def test_every_query_of_a_panel_returns_data(county, monitoring, dashboard, panel):
    for query in panel.queries.values():
        expression = asked(query, {**PANEL_VALUES, "$process": "up"})
        wait_for(lambda expression=expression: monitoring.query(expression), expression, 120)


def test_what_the_readers_of_a_dashboard_choose_from_is_there(county, monitoring):
    channels = {one["metric"]["channel"] for one in monitoring.query("tongyuan_channel_position")}

    assert channels == set(CHANNELS)
    assert [one["metric"]["process"] for one in monitoring.query('up{job="tongyuan"}')] == ["up"]


def test_a_county_in_order_wakes_nobody(county, monitoring):
    wait_for(lambda: not monitoring.pages(), "no page", 120, lambda: str(monitoring.firing()))


def test_a_killed_process_pages_and_the_alert_leads_to_its_page(county, monitoring):
    county.kill("up")
    wait_for(lambda: monitoring.pages() == {"ProcessDown"}, "ProcessDown", 120, lambda: str(monitoring.firing()))

    found = monitoring.firing()["ProcessDown up"]
    assert found["annotations"]["summary"] == "up does not answer"
    page = httpx.get(found["annotations"]["runbook_url"], trust_env=False)
    assert page.text.startswith("# ProcessDown\n")
    assert monitoring.pages() == {"ProcessDown"}

    county.restart("up")
    county.wait_ready("up")
    wait_for(lambda: not monitoring.pages(), "the page ends", 120, lambda: str(monitoring.firing()))
