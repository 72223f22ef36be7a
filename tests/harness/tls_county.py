"""The county of docker-compose.tls.yml: its own authority; nothing is accepted in plain or without a certificate."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from shared.security.tls import Tls
from tests.harness.compose import FILE, REPOSITORY, TLS_FILE, ComposeCounty, raw
from tests.harness.compose_county import (
    DEFINITIONS,
    broker,
    places,
    secrets,
    started,
    succeed,
    tools,
)
from tests.harness.ports import free_port
from tests.harness.postgres import FAST, USER, PrivatePostgres, server_folder
from tests.harness.rabbitmq import PrivateRabbit

SCRIPT = REPOSITORY / "deploy" / "certificates.py"


@dataclass
class Secured:
    """The running county, its servers, and `folder` with all certificates."""

    county: ComposeCounty
    rabbit: PrivateRabbit
    database: PrivatePostgres
    folder: Path
    amqp_url: str

    def tls(self, name: str) -> Tls:
        """Return the TLS identity of that process."""
        return Tls(self.folder / name)


def make_certificates(folder: Path, *arguments: str) -> str:
    """Run the documented script. Return its output."""
    command = [sys.executable, str(SCRIPT), str(folder), "--also", "127.0.0.1", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout


@contextmanager
def tls_county(folder: Path) -> Iterator[Secured]:
    """Start the county with both files, and stop it at the end."""
    with server_folder() as place:
        certificates = place / "tls"
        make_certificates(certificates)
        database = _database(place, certificates)
        rabbit = PrivateRabbit(folder / "rabbitmq")
        rabbit.tls_port, management = free_port(), free_port()
        (rabbit.folder / "plugins").write_text((REPOSITORY / "deploy" / "rabbitmq" / "tls_plugins").read_text())
        variables = {
            **secrets(), **places(folder, database, rabbit), "TLS_INSIDE": str(certificates),
            "RABBITMQ_TLS_PORT": str(rabbit.tls_port), "RABBITMQ_MANAGEMENT_TLS_PORT": str(management),
        }  # fmt: skip
        county = ComposeCounty(folder / "county", variables, tools(), (FILE, TLS_FILE))
        succeed(county, "definitions")
        elsewhere = {
            DEFINITIONS: str(folder / "definitions.json"),
            "/tls/": f"{certificates}/",
            "listeners.ssl.default = 5671": f"listeners.ssl.default = 127.0.0.1:{rabbit.tls_port}",
            "management.ssl.port = 15671": f"management.ssl.port = {management}\nmanagement.ssl.ip = 127.0.0.1",
        }
        try:
            with broker(rabbit, county, elsewhere, "tls.conf", "management_tls.conf"), started(county):
                yield Secured(county, rabbit, database, certificates, f"amqps://127.0.0.1:{rabbit.tls_port}/%2F")
        finally:
            database.stop()


def _database(place: Path, certificates: Path) -> PrivatePostgres:
    """Start the database with the file's own rules; the administrator needs no password, but TLS."""
    command = raw(TLS_FILE)["services"]["postgres"]["command"]
    said = dict(option.removeprefix("-c").split("=", 1) for option in command if option.startswith("-cssl"))
    settings = {name: value.replace("/tls/", f"{certificates}/") for name, value in said.items()}
    server = PrivatePostgres(place / "cluster", {**FAST, **settings})
    server.hand_over(certificates / "postgres", *(certificates / "postgres").iterdir())
    server.start()
    server.create_database("tongyuan")
    rules = (REPOSITORY / "deploy" / "postgres" / "tls_hba.conf").read_text(encoding="utf-8")
    own = f"host all {USER} 127.0.0.1/32 trust\n"
    (server.folder / "data" / "pg_hba.conf").write_text(own + rules.replace("local ", "# local "), encoding="utf-8")
    with psycopg.connect(server.dsn()) as connection:
        connection.execute("SELECT pg_reload_conf()")
    return server
