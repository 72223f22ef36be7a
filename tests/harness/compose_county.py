"""The compose files' county on this machine: servers, accounts and jobs in documented order, then every process."""

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from services.demo import content
from tests.harness.compose import REPOSITORY, ComposeCounty, native_ports, raw
from tests.harness.county import CHANNELS, SERVICES, SOURCES, wait_for
from tests.harness.packages import require
from tests.harness.postgres import PLACES, USER, PrivatePostgres
from tests.harness.rabbitmq import BIN, PrivateRabbit

JOBS = ("roles", "migrate", "topology")
DEFINITIONS = "/definitions/definitions.json"


@contextmanager
def plain_county(folder: Path, database: PrivatePostgres) -> Iterator[ComposeCounty]:
    """Start the county as `docker compose up` does, and stop it at the end."""
    ask_for_passwords(database)
    rabbit = PrivateRabbit(folder / "rabbitmq")
    county = ComposeCounty(folder / "county", {**secrets(), **places(folder, database, rabbit)}, tools())
    succeed(county, "definitions")
    with broker(rabbit, county, {DEFINITIONS: str(folder / "definitions.json")}), started(county):
        yield county


@contextmanager
def started(county: ComposeCounty) -> Iterator[None]:
    """Run the jobs, then every process."""
    for job in JOBS:
        succeed(county, job)
    try:
        county.start()
        yield
    finally:
        county.stop()


def tools() -> list[Path]:
    """Return the folders of the servers' programs."""
    return [BIN, require("psql", "postgresql", places=PLACES).parent]


def secrets() -> dict[str, str]:
    """Return the output of the documented command for secrets."""
    command = [str(REPOSITORY / "deploy" / "secrets.sh"), content.county().region, content.county().name]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    # Image digests are for Docker; no image is pulled here.
    digests = dict.fromkeys(
        ("PYTHON_DIGEST", "POSTGRES_DIGEST", "RABBITMQ_DIGEST", "NGINX_DIGEST"), f"sha256:{'0' * 64}"
    )
    return digests | dict(line.split("=", 1) for line in lines)


def places(folder: Path, database: PrivatePostgres, rabbit: PrivateRabbit) -> dict[str, str]:
    """Return addresses and paths on this machine instead of those in containers."""
    # Docker makes an empty volume; here it is an empty folder.
    word_lists = folder / "word-lists"
    word_lists.mkdir(parents=True, exist_ok=True)
    return {
        **native_ports(raw()),
        **{f"{name.upper()}_HOST": "127.0.0.1" for name in (*SERVICES, "postgres", "rabbitmq")},
        "LISTEN": "127.0.0.1",
        "POSTGRES_PORT": str(database.port),
        "POSTGRES_ADMIN": USER,
        "RABBITMQ_PORT": str(urlsplit(rabbit.url).port),
        "DEFINITIONS_FILE": str(folder / "definitions.json"),
        "LEDGER_KEY_FOLDER": str(folder / "key"),
        "WORD_LISTS_FOLDER": str(word_lists),
        "PERSONAL_KEY_FOLDER": str(folder / "personal"),
        **{f"{name.upper()}_KEY_FOLDER": str(folder / f"{name}-key") for name in SOURCES},
    }


def ask_for_passwords(database: PrivatePostgres) -> None:
    """Require passwords as the file's server does, for everybody but the administrator."""
    database.create_database("tongyuan")
    rules = f"host all {USER} 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
    (database.folder / "data" / "pg_hba.conf").write_text(rules)
    with psycopg.connect(database.dsn()) as connection:
        connection.execute("SELECT pg_reload_conf()")


@contextmanager
def broker(rabbit: PrivateRabbit, county: ComposeCounty, elsewhere: Mapping[str, str], *more: str) -> Iterator[None]:
    """Run the broker with the container's configuration; `elsewhere`: its paths on this machine."""
    text = "\n".join(
        (REPOSITORY / "deploy" / "rabbitmq" / name).read_text(encoding="utf-8") for name in ("rabbitmq.conf", *more)
    )
    for path, here in elsewhere.items():
        assert path in text, f"{path} is not in the broker's configuration"
        text = text.replace(path, here)
    (rabbit.folder / "rabbitmq.conf").write_text(text, encoding="utf-8")
    try:
        rabbit.start()
        assert county.healthy("rabbitmq", rabbit.environment())
        yield
    finally:
        rabbit.stop()


def succeed(county: ComposeCounty, job: str, *arguments: str) -> str:
    """Run a job that must succeed. Return its output."""
    done = county.job(job, *arguments)
    assert done.returncode == 0, f"{job}: {done.stdout}{done.stderr}"
    return done.stdout


def publish_an_item_and_its_guide(county: ComposeCounty, number: int = 0) -> str:
    """Release the demo's item of that number and its guide. Return the code."""
    item, guide = content.items()[number], content.guides()[number]
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
    """Open a case that has been received. Return its receipt."""
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
    """Wait until the ledger has the key, and all four channels have applied what the ledger had then."""

    def position() -> int:
        versions = county.http("ledger").get(f"/ledger/v1/versions/{key}").json().get("versions", [])
        return max((int(version["position"]) for version in versions), default=0)

    recorded = wait_for(position, f"{key} is recorded")
    for name in CHANNELS:
        wait_for(partial(_reached, county, name, recorded), f"{name} shows it")


def _reached(county: ComposeCounty, channel: str, position: int) -> bool:
    return bool(county.http(channel).get(f"/{channel}/v1/position").json()["position"] >= position)
