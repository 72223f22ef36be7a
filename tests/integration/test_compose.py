"""The production shape is what docker-compose.yml says: its services run here by its commands and environment."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pika
import psycopg
import pytest
from pika.exceptions import ChannelClosedByBroker, ProbableAuthenticationError

from contracts.topology import PUBLICATIONS_EXCHANGE, QUEUES
from services.demo import content
from tests.harness.broker_queues import channel, consumers
from tests.harness.compose import REPOSITORY, ComposeCounty, native_ports, raw
from tests.harness.county import CHANNELS, SERVICES, wait_for
from tests.harness.packages import require
from tests.harness.postgres import FAST, PLACES, USER, PrivatePostgres, private_postgres
from tests.harness.rabbitmq import BIN, PrivateRabbit

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("compose"), pytest.mark.timeout(600)]

JOBS = ("roles", "migrate", "topology")
UNITS = {"k": 2**10, "m": 2**20, "g": 2**30}
OUTSIDER = ("catalog", "web")


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ComposeCounty]:
    folder = tmp_path_factory.mktemp("compose")
    with private_postgres(FAST) as database:
        ask_for_passwords(database)
        rabbit = PrivateRabbit(folder / "rabbitmq")
        definitions = folder / "definitions.json"
        tools = [BIN, require("psql", "postgresql", places=PLACES).parent]
        county = ComposeCounty(folder / "county", {**secrets(), **places(folder, database, rabbit)}, tools)
        succeed(county, "definitions")
        with broker(rabbit, definitions, county):
            for job in JOBS:
                succeed(county, job)
            try:
                county.start()
                yield county
            finally:
                county.stop()


def secrets() -> dict[str, str]:
    """What the documented command makes."""
    command = [REPOSITORY / "deploy" / "secrets.sh", content.county().region, content.county().name]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return dict(line.split("=", 1) for line in lines)


def places(folder: Path, database: PrivatePostgres, rabbit: PrivateRabbit) -> dict[str, str]:
    """Where things are on this machine instead of in containers."""
    return {
        **native_ports(raw()),
        **{f"{name.upper()}_HOST": "127.0.0.1" for name in (*SERVICES, "postgres", "rabbitmq")},
        "LISTEN": "127.0.0.1",
        "POSTGRES_PORT": str(database.port),
        "POSTGRES_ADMIN": USER,
        "RABBITMQ_PORT": str(urlsplit(rabbit.url).port),
        "DEFINITIONS_FILE": str(folder / "definitions.json"),
        "LEDGER_KEY_FOLDER": str(folder / "key"),
        "PERSONAL_KEY_FOLDER": str(folder / "personal"),
    }


def ask_for_passwords(database: PrivatePostgres) -> None:
    """As the file's server does: nobody but the administrator enters without a password."""
    database.create_database("tongyuan")
    rules = f"host all {USER} 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
    (database.folder / "data" / "pg_hba.conf").write_text(rules)
    with psycopg.connect(database.dsn()) as connection:
        connection.execute("SELECT pg_reload_conf()")


@contextmanager
def broker(rabbit: PrivateRabbit, definitions: Path, county: ComposeCounty) -> Iterator[None]:
    """The broker with the configuration that the container gets."""
    text = (REPOSITORY / "deploy" / "rabbitmq" / "rabbitmq.conf").read_text()
    assert "/definitions/definitions.json" in text
    (rabbit.folder / "rabbitmq.conf").write_text(text.replace("/definitions/definitions.json", str(definitions)))
    try:
        rabbit.start()
        assert county.healthy("rabbitmq", rabbit._environment())
        yield
    finally:
        rabbit.stop()


def succeed(county: ComposeCounty, job: str, *arguments: str) -> str:
    done = county.job(job, *arguments)
    assert done.returncode == 0, f"{job}: {done.stdout}{done.stderr}"
    return done.stdout


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


def publish_an_item_and_its_guide(county: ComposeCounty) -> str:
    item, guide = content.items()[0], content.guides()[0]
    assert item.code == guide.code
    rows = [row.model_dump(mode="json") for row in content.directory()]
    assert county.http("catalog").put("/catalog/v1/directory", json=rows).is_success
    for service, kind, document in (("catalog", "items", item), ("guides", "guides", guide)):
        address = f"/{service}/v1/{kind}/{item.code}"
        saved = county.http(service).put(address, json=document.model_dump(mode="json"))
        assert saved.status_code == 201, saved.text
        released = county.http(service).post(f"{address}/release")
        assert released.json()["released"]["version"] == 1, released.text
    return item.code


def open_a_case(county: ComposeCounty, item_code: str) -> dict[str, str]:
    for year, notice in content.calendars().items():
        assert county.http("applications").put(f"/applications/v1/calendars/{year}", json=notice).is_success
    opened = county.http("applications").post("/applications/v1/applications", json={"item_code": item_code})
    assert opened.status_code == 201, opened.text
    receipt: dict[str, str] = opened.json()
    events = f"/applications/v1/applications/{receipt['project_no']}/events"
    reported = county.http("applications").post(events, json={"event": "received"})
    assert reported.is_success, reported.text
    return receipt


def wait_until_shown(county: ComposeCounty, key: str) -> None:
    def position() -> int:
        versions = county.http("ledger").get(f"/ledger/v1/versions/{key}").json().get("versions", [])
        return max((int(version["position"]) for version in versions), default=0)

    recorded = wait_for(position, f"{key} is recorded")
    for name in CHANNELS:
        at = f"/{name}/v1/position"
        wait_for(lambda at=at, name=name: county.http(name).get(at).json()["position"] >= recorded, f"{name} shows it")


def test_every_queue_has_its_consumer(county: ComposeCounty) -> None:
    url = county.env_of("topology")["TONGYUAN_AMQP_URL"]
    for queue in QUEUES:
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
    assert all("TONGYUAN_DATA_DIR" not in county.env_of(name) for name in county.names if name != "ledger-worker")


def test_only_applications_can_open_what_is_known_about_persons(county: ComposeCounty) -> None:
    file = Path(county.env_of("applications")["TONGYUAN_PERSONAL_KEY_FILE"])
    assert file.stat().st_mode & 0o777 == 0o600
    having = {name for name in county.services if "TONGYUAN_PERSONAL_KEY_FILE" in county.env_of(name)}
    assert having == {"applications", "applications-worker", "migrate"}
    assert "every value opens" in succeed(county, "migrate", "personal", "check")


def test_no_process_comes_near_the_memory_it_is_allowed(county: ComposeCounty) -> None:
    for name in county.names:
        limit = county.services[name]["mem_limit"]
        allowed = int(limit[:-1]) * UNITS[limit[-1]]
        held = county.resident(name)
        assert held < 0.8 * allowed, f"{name} holds {held >> 20} MiB of {limit}"
