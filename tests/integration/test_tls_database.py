"""A database over TLS by what its URL says: ours opens, any other is refused, and says why."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from shared.config import Settings
from shared.database.engine import Database
from shared.errors import Unavailable
from tests.harness.certificates import Authority
from tests.harness.postgres import FAST, USER, PrivatePostgres, server_folder

pytestmark = pytest.mark.servers


@dataclass
class Place:
    """A server that takes TLS alone, and the certificates around it."""

    server: PrivatePostgres
    ours: Authority
    strange: Authority
    data: Path

    def open(self, host: str = "localhost", **options: str) -> str:
        """The version of TLS that a service speaks with it; `options` go into its URL."""
        said = "&".join(f"{name}={value}" for name, value in options.items())
        url = f"postgresql://{USER}@{host}:{self.server.port}/postgres?{said}"
        db = Database("web", Settings(database_url=url).database_url_for("web"))
        try:
            with db.read() as session:
                asked = "SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl"
                return str(session.connection().exec_driver_sql(asked).scalar_one())
        finally:
            db.close()

    def present(self, name: str) -> None:
        """The server shows this certificate from now on."""
        for kind in ("pem", "key"):
            content = (self.data / "certificates" / f"{name}.{kind}").read_bytes()
            (self.data / f"server.{kind}").write_bytes(content)
        self.server.restart()


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    with server_folder() as folder:
        data = folder / "tls"
        ours, strange = Authority(data / "certificates"), Authority(data / "strange")
        ours.issue("good")
        ours.issue("ended", days=-5)
        ours.issue("other", host="elsewhere.example")
        for kind in ("pem", "key"):
            (data / f"server.{kind}").write_bytes((data / "certificates" / f"good.{kind}").read_bytes())
            (data / f"server.{kind}").chmod(0o600)
        settings = {
            **FAST, "ssl": "on", "ssl_cert_file": str(data / "server.pem"), "ssl_key_file": str(data / "server.key"),
            "ssl_ca_file": str(ours.file), "ssl_min_protocol_version": "TLSv1.2",
        }  # fmt: skip
        server = PrivatePostgres(folder / "cluster", settings)
        server.hand_over(data, *data.rglob("*"))
        server.start()
        yield Place(server, ours, strange, data)
        server.stop()


def test_a_server_of_our_authority_opens_and_the_line_is_encrypted(place: Place) -> None:
    assert place.open(sslmode="verify-full", sslrootcert=str(place.ours.file)) in ("TLSv1.2", "TLSv1.3")


def test_a_server_of_a_strange_authority_is_refused(place: Place) -> None:
    with pytest.raises(Unavailable, match="certificate verify failed"):
        place.open(sslmode="verify-full", sslrootcert=str(place.strange.file))


def test_a_server_whose_certificate_has_ended_is_refused(place: Place) -> None:
    place.present("ended")
    with pytest.raises(Unavailable, match="certificate verify failed"):
        place.open(sslmode="verify-full", sslrootcert=str(place.ours.file))
    place.present("good")


def test_a_server_under_another_name_is_refused(place: Place) -> None:
    place.present("other")
    with pytest.raises(Unavailable, match=r"does not match host name \"localhost\""):
        place.open(sslmode="verify-full", sslrootcert=str(place.ours.file))
    place.present("good")
