"""What real processes read of their settings, while people use the county, is what their manifests name."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from services.demo import content
from services.runtime import manifests
from services.runtime.manifests import CHANNELS, SERVICES
from tests.harness.casework import ITEM, opening, people
from tests.harness.county import REPOSITORY, ProductionCounty, running, wait_for
from tests.harness.openid_provider import OpenIdProvider
from tests.harness.postgres import PrivatePostgres
from tests.harness.rabbitmq import PrivateRabbit
from tests.harness.recorded_settings import FOLDER

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("settings-read")]
PROCESSES = [one.name for one in manifests.processes()]
PERSON = people(seed=4, number=1)[0]
RECEIPT = {"project_no": PERSON.number, "query_code": PERSON.code}
BACKEND = "backend.example"


class Recorded(ProductionCounty):
    """Processes that note what they read."""

    def command(self, name: str) -> list[str]:
        return [sys.executable, "-m", "tests.harness.recorded_settings", "run", name]

    def read_by(self, name: str) -> set[str]:
        file = Path(self.env[FOLDER]) / name
        return set(file.read_text().split()) if file.exists() else set()


@pytest.fixture(scope="module")
def county(
    tmp_path_factory: pytest.TempPathFactory, rabbitmq: PrivateRabbit, postgres: PrivatePostgres
) -> Iterator[Recorded]:
    folder = tmp_path_factory.mktemp("settings")
    env = {FOLDER: str(folder), "TONGYUAN_HOOK_HOSTS": BACKEND, "TONGYUAN_AUDIT_INTERVAL": "1"}
    # A provider that is down: the desk starts without it.
    env |= {f"TONGYUAN_{name.upper()}": str(value) for name, value in OpenIdProvider(port=9).settings(folder).items()}
    database = postgres.url(postgres.create_database("settings"))
    with running(Recorded(tmp_path_factory.mktemp("county"), rabbitmq.new_vhost(), database, env)) as made:
        use(made)
        yield made


def use(county: Recorded) -> None:
    """Release an item with its guide, move a case, and ask for everything that a route answers."""
    release(county, "catalog", "items", next(one for one in content.items() if one.code == ITEM))
    release(county, "guides", "guides", next(one for one in content.guides() if one.code == ITEM))
    for method, path, more in opening(PERSON):
        assert county.http("applications").request(method, path, **more).is_success
    for channel in CHANNELS:
        wait_for(lambda channel=channel: everything_is_shown(county, channel), f"{channel} shows it", 240)
        http = county.http(channel)
        assert http.post(f"/{channel}/progress", data=RECEIPT).is_success
        assert [http.get(f"/{channel}/{page}").status_code for page in ("", "items", f"items/{ITEM}")] == [200] * 3
    refused = county.http("mobile").post("/mobile/v1/hooks", json={**RECEIPT, "url": f"https://{BACKEND}.not/"})
    assert refused.status_code == 422
    told = {"tag": ["109"], "about": "materials", "text": "", "id": ""}
    county.http("web").post(f"/web/items/{ITEM}/feedback", data=told)
    for service in SERVICES:
        for path in gettable(service):
            county.http(service).get(f"/{service}{path}")
    wait_for(lambda: audited(county), "the auditor has come round", 240)


def release(county: Recorded, service: str, kind: str, one: Any) -> None:
    path = f"/{service}/v1/{kind}/{one.code}"
    county.http(service).put(path, json=one.model_dump(mode="json", exclude_none=True)).raise_for_status()
    county.http(service).post(f"{path}/release").raise_for_status()


def everything_is_shown(county: Recorded, channel: str) -> bool:
    http = county.http(channel)
    documents = [http.get(f"/{channel}/v1/{kind}/{ITEM}") for kind in ("items", "guides")]
    return all(one.is_success for one in (*documents, http.post(f"/{channel}/v1/applications/lookup", json=RECEIPT)))


def gettable(service: str) -> list[str]:
    """Return the paths of all GET routes, with the item's code in the place of what they ask for."""
    document = json.loads((REPOSITORY / "contracts" / "openapi" / f"{service}.json").read_text(encoding="utf-8"))
    paths = [path for path, operations in document["paths"].items() if "get" in operations]
    return [path.replace("{code}", ITEM).replace("{key}", f"item:{ITEM}") for path in paths if "stream" not in path]


def audited(county: Recorded) -> bool:
    found = county.http("auditor").get("/auditor/v1/report").json()
    return all(found["channels"].get(name, {}).get("document", {}).get("checked") for name in CHANNELS)


@pytest.mark.parametrize("name", PROCESSES)
def test_a_process_reads_no_setting_that_its_manifest_does_not_name(county: Recorded, name: str) -> None:
    read = county.read_by(name)

    assert {"region", "data_dir"} & read
    assert read - manifests.process(name).reads == set()


@pytest.mark.parametrize("name", PROCESSES)
def test_a_manifest_names_no_setting_that_its_process_never_reads(county: Recorded, name: str) -> None:
    asked = manifests.process(name)

    assert {*asked.settings, *asked.stated} - county.read_by(name) == set()
