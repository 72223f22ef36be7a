"""A running county under audit: what was done behind a channel's back is found over real sockets, and repaired."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from tests.harness.county import CHANNELS, EmbeddedCounty, running, wait_for
from tests.harness.pipeline import code_of, guide, item

pytestmark = [pytest.mark.xdist_group("auditor")]

FAST = {"TONGYUAN_AUDIT_POLL": "0.2", "TONGYUAN_AUDIT_INTERVAL": "2"}
PATIENCE = 240


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedCounty]:
    """Two items with guides, read once by the auditor on every channel."""
    with running(EmbeddedCounty(tmp_path_factory.mktemp("audited"), env=FAST)) as made:
        assert isinstance(made, EmbeddedCounty)
        for number in (1, 2):
            for service, kind, document in (("catalog", "items", item(number)), ("guides", "guides", guide(number))):
                address = f"/{service}/v1/{kind}/{document.code}"
                saved = made.http(service).put(address, json=document.model_dump(mode="json"))
                assert saved.status_code == 201, saved.text
                assert made.http(service).post(f"{address}/release").is_success
        wait_for(lambda: whole(made), "everything was read once", PATIENCE, lambda: made.log("up"))
        yield made


def whole(county: EmbeddedCounty) -> bool:
    channels = report(county)["channels"]
    return all(channels.get(name, {}).get("document", {}).get("checked") == 2 for name in CHANNELS)


def report(county: EmbeddedCounty) -> Any:
    return county.http("auditor").get("/auditor/v1/report").json()


def findings(county: EmbeddedCounty) -> Any:
    return county.http("auditor").get("/auditor/v1/findings").json()["findings"]


def damage(county: EmbeddedCounty, channel: str, statement: str, **values: str) -> None:
    store = Path(county.env["TONGYUAN_DATA_DIR"]) / f"{channel}.db"
    with sqlite3.connect(store, timeout=30) as connection:
        assert connection.execute(statement, values).rowcount == 1
    connection.close()


def test_damage_is_found_repaired_and_told_on_every_way(county: EmbeddedCounty) -> None:
    key = f"item:{code_of(2)}"
    forge = "UPDATE document SET content = replace(content, '居民身份证办理', '居民身份证办里') WHERE key = :key"
    damage(county, "kiosk", forge, key=key)

    def repaired() -> list[Any]:
        found = [one for one in findings(county) if (one["channel"], one["key"]) == ("kiosk", key)]
        return found if found and all(one["repaired_at"] for one in found) else []

    found = wait_for(repaired, "it is found and repaired", PATIENCE, lambda: county.log("up"))
    assert {one["verdict"] for one in found} == {"different"}
    assert all(
        {"path": "name", "expected": "居民身份证办理", "found": "居民身份证办里"} in one["differences"] for one in found
    )
    assert county.http("kiosk").get(f"/kiosk/v1/items/{code_of(2)}").json()["name"] == "居民身份证办理"

    wait_for(lambda: report(county)["good"], "nothing is open", PATIENCE)
    told = county.cli("audit", "--all")
    assert told.returncode == 0, told.stdout + told.stderr
    assert "居民身份证办里" in told.stdout
    assert "time to repair" in told.stdout
    status = orjson.loads(county.cli("status", "--json").stdout)
    assert status["parts"]["auditor"]["findings"] == {}
    lines = [orjson.loads(line) for line in county.log("up").splitlines() if '"area": "auditor"' in line]
    assert {("different", "error"), ("finding repaired", "warning")} <= {
        (line["event"], line["level"]) for line in lines
    }
    metrics = county.http("auditor").get("/auditor/metrics").text
    assert 'tongyuan_audit_repair_seconds_count{channel="kiosk"}' in metrics


def test_an_orphan_is_an_alarm_and_goes(county: EmbeddedCounty) -> None:
    inject = """
    INSERT INTO document (key, kind, version, position, digest, content_digest, released_at, change, content)
    SELECT 'item:FORGED', 'item', 1, 1, '', '', '2026-01-01T00:00:00.000000Z', change, :content FROM state
    """
    damage(county, "web", inject, content='{"kind":"item","code":"FORGED","name":"伪造的事项"}')

    wait_for(
        lambda: county.http("web").get("/web/v1/items/FORGED").status_code == httpx.codes.GONE, "it is gone", PATIENCE
    )
    assert any('"event": "orphan"' in line and '"level": "error"' in line for line in county.log("up").splitlines())


def test_the_record_is_for_those_who_run_the_county(county: EmbeddedCounty) -> None:
    for path in ("/auditor/v1/report", "/auditor/v1/findings"):
        assert httpx.get(f"{county.url('auditor')}{path}", trust_env=False).status_code == httpx.codes.UNAUTHORIZED
    for path in ("/auditor/healthz", "/auditor/readyz", "/auditor/metrics", "/auditor/openapi.json"):
        assert httpx.get(f"{county.url('auditor')}{path}", trust_env=False).is_success
