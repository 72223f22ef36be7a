"""The production shape is what docker-compose.yml says: its services run here by its commands and environment."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pika
import psycopg
import pytest
from pika.exceptions import ChannelClosedByBroker, ProbableAuthenticationError

from contracts.topology import PUBLICATIONS_EXCHANGE
from services.runtime.manifests import topology
from shared.tokens.keys import private_key
from shared.tokens.minting import Minter
from tests.harness.broker_queues import channel, consumers
from tests.harness.compose import ComposeCounty
from tests.harness.compose_county import (
    JOBS,
    open_a_case,
    plain_county,
    publish_an_item_and_its_guide,
    succeed,
    wait_until_shown,
)
from tests.harness.county import CHANNELS, SERVICES, wait_for
from tests.harness.postgres import FAST, private_postgres

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("compose"), pytest.mark.timeout(600)]

UNITS = {"k": 2**10, "m": 2**20, "g": 2**30}
OUTSIDER = ("catalog", "web")


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ComposeCounty]:
    with private_postgres(FAST) as database, plain_county(tmp_path_factory.mktemp("compose"), database) as county:
        yield county


def test_what_is_released_is_on_all_four_channels_and_verify_finds_nothing(county: ComposeCounty) -> None:
    code = publish_an_item_and_its_guide(county)
    receipt = open_a_case(county, code)
    wait_until_shown(county, f"application:{receipt['case_ref']}")
    for name in CHANNELS:
        reader = county.http(name)
        assert reader.get(f"/{name}/v1/items/{code}").status_code == 200
        assert reader.get(f"/{name}/v1/guides/{code}").status_code == 200
        asked = {"project_no": receipt["project_no"], "query_code": receipt["query_code"]}
        found = reader.post(f"/{name}/v1/applications/lookup", json=asked)
        assert found.status_code == 200, f"{name}: {found.text}"
        assert found.json()["source"]["key"] == f"application:{receipt['case_ref']}"
    assert "the same source everywhere" in succeed(county, "cli", "verify")


def test_every_queue_has_its_consumer(county: ComposeCounty) -> None:
    url = county.env_of("topology")["TONGYUAN_AMQP_URL"]
    for queue in topology().queues:
        wait_for(lambda name=queue.name: consumers(url, name) == 1, f"{queue.name} is consumed")


def test_what_an_operator_types_at_night_works_with_the_accounts_of_the_file(county: ComposeCounty) -> None:
    said = {
        ("status",): "all well",
        ("audit",): "nothing is wrong",
        ("dead", "list"): "no dead letters",
        ("rebuild", "kiosk"): "rebuilt",
        ("doctor",): "nothing wrong found",
    }
    for arguments, words in said.items():
        assert words in succeed(county, "cli", *arguments), arguments


def test_the_jobs_may_run_again_beside_the_running_county(county: ComposeCounty) -> None:
    for job in ("definitions", *JOBS):
        succeed(county, job)
    assert county.healthy("postgres")


def test_a_services_database_account_owns_its_schema_and_reads_no_other(county: ComposeCounty) -> None:
    for name in SERVICES:
        url = county.env_of(name)[f"TONGYUAN_{name.upper()}_DATABASE_URL"]
        with psycopg.connect(url, autocommit=True) as connection:
            role = connection.execute("SELECT current_user, rolsuper FROM pg_roles WHERE rolname = current_user")
            assert role.fetchone() == (name, False)
            assert connection.execute(f"SELECT count(*) FROM {name}.alembic_version").fetchone() == (1,)
            for other in set(SERVICES) - {name}:
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(f"SELECT count(*) FROM {other}.alembic_version")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute("CREATE TABLE public.mine (a int)")


def test_a_wrong_password_opens_no_database(county: ComposeCounty) -> None:
    url = county.env_of("web")["TONGYUAN_WEB_DATABASE_URL"]
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(url.replace("web:", "web:x"))


WRITERS = {"console", "importing"}
"""The processes that write at the sources for the staff: whoever takes one over can do what the staff can."""


def test_whoever_takes_a_process_over_writes_to_no_other_service_with_what_it_holds(county: ComposeCounty) -> None:
    case = {"key": "application:x", "reason": "x", "by": "x"}
    writing: list[tuple[str, str, str, Any]] = [
        *((name, "POST", f"/{name}/v1/imports", {"rows": []}) for name in ("catalog", "guides")),
        ("applications", "POST", "/applications/v1/applications", {"item_code": "x"}),
        *((name, "POST", f"/{name}/v1/erasures", case) for name in ("applications", "ledger")),
        *((name, "POST", f"/{name}/v1/drill", None) for name in CHANNELS),
        *((name, "POST", f"/{name}/v1/rebuild?new_epoch=true", None) for name in CHANNELS),
        ("kiosk", "POST", "/kiosk/v1/screens", {"name": "hall-1"}),
    ]
    names = [name for name in county.names if name not in WRITERS]
    assert len(names) == len(county.names) - len(WRITERS)
    for service, method, path, body in writing:
        with httpx.Client(base_url=county.url(service), timeout=120, trust_env=False) as http:
            for name in names:
                for token in held_by(county.env_of(name), name, service):
                    answer = http.request(method, path, headers={"Authorization": f"Bearer {token}"}, json=body)
                    assert answer.status_code in (401, 403), (name, path, answer.text)


def held_by(environment: dict[str, str], name: str, service: str) -> Iterator[str]:
    """Whatever might open a service: the words that the process holds, and tokens signed by its key."""
    yield from {value for key, value in environment.items() if re.search("TOKEN|KEY$", key)}
    if key := environment.get("TONGYUAN_CALLER_KEY"):
        for caller in (name, "operator"):
            yield Minter(caller, private_key(key, "key"), service).token()


def test_a_token_that_an_operator_prints_opens_one_service(county: ComposeCounty) -> None:
    token = succeed(county, "cli", "token", "kiosk", "--minutes", "10").strip()
    codes = {}
    for name in CHANNELS:
        headers = {"Authorization": f"Bearer {token}"}
        codes[name] = httpx.get(f"{county.url(name)}/{name}/v1/parked", headers=headers, timeout=120).status_code
    assert codes == {"kiosk": 200, "web": 401, "mobile": 401, "portal": 401}


def test_a_channels_broker_account_cannot_publish(county: ComposeCounty) -> None:
    for name in CHANNELS:
        with channel(county.env_of(f"{name}-worker")["TONGYUAN_AMQP_URL"]) as opened:
            opened.confirm_delivery()
            with pytest.raises(ChannelClosedByBroker, match="ACCESS_REFUSED"):
                opened.basic_publish(PUBLICATIONS_EXCHANGE, "339921000000.item.release", b"{}")


def test_the_broker_has_no_account_guest(county: ComposeCounty) -> None:
    at = urlsplit(county.env_of("topology")["TONGYUAN_AMQP_URL"])
    with pytest.raises(ProbableAuthenticationError):
        pika.BlockingConnection(pika.URLParameters(f"amqp://guest:guest@{at.hostname}:{at.port}/%2F"))


def test_only_the_sequencer_has_the_signing_key_and_nobody_else_may_read_it(county: ComposeCounty) -> None:
    folder = Path(county.env_of("ledger-worker")["TONGYUAN_DATA_DIR"])
    # Beside the key lies what it has signed, which is to be signed again by nobody.
    assert {file.name: file.stat().st_mode & 0o777 for file in folder.glob("*.pem")} == {"ledger-key.pem": 0o600}
    elsewhere = {name: county.env_of(name).get("TONGYUAN_DATA_DIR") for name in county.names if name != "ledger-worker"}
    # Uploaded files have a folder of their own.
    assert {name for name, place in elsewhere.items() if place} == {"importing"}
    assert Path(str(elsewhere["importing"])) != folder


def test_a_source_alone_has_the_keys_by_which_it_signs(county: ComposeCounty) -> None:
    files = {name: county.env_of(name).get("TONGYUAN_SOURCE_KEY_FILE") for name in county.names}
    for source in ("catalog", "guides", "applications"):
        file = files[source]
        assert file is not None
        assert Path(file).stat().st_mode & 0o777 == 0o600
        assert {name for name, one in files.items() if one == file} == {source, f"{source}-worker"}
    assert len({file for file in files.values() if file}) == 3


def test_only_applications_can_open_what_is_known_about_persons(county: ComposeCounty) -> None:
    file = Path(county.env_of("applications")["TONGYUAN_PERSONAL_KEY_FILE"])
    assert file.stat().st_mode & 0o777 == 0o600
    having = {name for name in county.services if "TONGYUAN_PERSONAL_KEY_FILE" in county.env_of(name)}
    assert having == {"applications", "applications-worker", "migrate"}
    assert "every value can be opened" in succeed(county, "migrate", "personal", "check")


def test_no_process_comes_near_the_memory_it_is_allowed(county: ComposeCounty) -> None:
    for name in county.names:
        limit = county.services[name]["mem_limit"]
        allowed = int(limit[:-1]) * UNITS[limit[-1]]
        held = county.resident(name)
        assert held < 0.8 * allowed, f"{name} holds {held >> 20} MiB of {limit}"
