"""`shared.security.tls`: an incomplete folder stops the start with a reason; a renewed one is loaded completely."""

import os
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from shared.config import Settings, SettingsError, load
from shared.security.certificate_watch import ends, look, watching
from shared.security.tls import Tls, reason, uses_certificate
from tests.harness.certificates import Authority

REFUSED = "tongyuan_certificate_renewals_refused_total"


@pytest.fixture
def ours(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "ours")


@pytest.fixture
def folder(ours: Authority) -> Path:
    return ours.folder("web")


def refusal(folder: Path) -> str:
    with pytest.raises(SettingsError) as refused:
        load(tls_folder=folder)
    return str(refused.value)


def test_a_whole_folder_is_taken(folder: Path) -> None:
    tls = load(tls_folder=folder).tls
    assert tls is not None
    assert tls.client().check_hostname
    assert tls.client().verify_mode == ssl.CERT_REQUIRED
    assert tls.client().minimum_version == ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize("file", ["ca.pem", "certificate.pem", "key.pem"])
def test_a_missing_file_stops_the_start_by_its_name(folder: Path, file: str) -> None:
    (folder / file).unlink()
    said = refusal(folder)
    assert said.startswith("TONGYUAN_TLS_FOLDER: ")
    assert file in said
    assert "No such file" in said


@pytest.mark.parametrize("file", ["ca.pem", "certificate.pem", "key.pem"])
def test_a_file_with_something_else_in_it_stops_the_start(folder: Path, file: str) -> None:
    (folder / file).write_text("nothing of the kind")
    said = refusal(folder)
    assert file in said
    assert "cannot be read" in said


def test_a_key_that_does_not_fit_stops_the_start(folder: Path, ours: Authority) -> None:
    (folder / "key.pem").write_bytes((ours.folder("kiosk") / "key.pem").read_bytes())
    assert "the key does not match the certificate" in refusal(folder)


def test_a_key_that_others_may_read_stops_the_start(folder: Path) -> None:
    (folder / "key.pem").chmod(0o640)
    assert "readable by others (mode 640): chmod 600" in refusal(folder)


def test_a_key_with_a_password_stops_the_start_and_asks_at_no_terminal(folder: Path) -> None:
    from cryptography.hazmat.primitives import serialization

    key = serialization.load_pem_private_key((folder / "key.pem").read_bytes(), password=None)
    locked = serialization.BestAvailableEncryption(b"secret")
    form = serialization.PrivateFormat.PKCS8
    (folder / "key.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, form, locked))
    assert "key.pem: cannot be read" in refusal(folder)


def test_amqps_without_files_or_without_any_way_to_log_in_stops_the_start(folder: Path) -> None:
    with pytest.raises(SettingsError, match="TLS_FOLDER: must be set because TONGYUAN_AMQP_URL begins with amqps"):
        load(amqp_url="amqps://web:secret@rabbitmq/%2F")
    for file in ("certificate.pem", "key.pem"):
        (folder / file).unlink()
    assert load(amqp_url="amqps://web:secret@rabbitmq/%2F", tls_folder=folder)
    with pytest.raises(SettingsError, match=r"must contain certificate.pem because TONGYUAN_AMQP_URL has no password"):
        load(amqp_url="amqps://rabbitmq/%2F", tls_folder=folder)


def test_a_password_in_the_address_is_preferred_to_the_certificate() -> None:
    assert uses_certificate("amqps://rabbitmq:5671/%2F")
    assert not uses_certificate("amqps://web:secret@rabbitmq:5671/%2F")
    assert not uses_certificate("amqp://rabbitmq:5672/%2F")


def test_listening_needs_a_certificate_unless_it_is_plain(folder: Path) -> None:
    for file in ("certificate.pem", "key.pem"):
        (folder / file).unlink()
    with pytest.raises(SettingsError, match=r"certificate.pem is missing, but this process listens with TLS"):
        Tls(folder).server()
    assert Tls(folder, "plain").server() is None


def test_callers_are_asked_for_a_certificate_unless_it_is_said_otherwise(folder: Path) -> None:
    modes = {listen: Tls(folder, listen).server() for listen in ("mutual", "server")}
    assert {name: context.verify_mode for name, context in modes.items() if context} == {
        "mutual": ssl.CERT_REQUIRED,
        "server": ssl.CERT_NONE,
    }
    assert Settings(tls_folder=folder).tls_listen == "mutual"


def test_the_database_is_checked_too_unless_its_address_says_how(folder: Path) -> None:
    settings = Settings(tls_folder=folder, database_url="postgresql://web:secret@postgres/county")
    url = settings.database_url_for("web")
    assert url.startswith("postgresql+psycopg://web:secret@postgres/county?sslmode=verify-full&sslrootcert=/")
    assert "sslcert=" in url
    assert "sslkey=" in url
    own = "postgresql+psycopg://web@postgres/county?sslmode=require"
    assert Settings(tls_folder=folder, database_url=own).database_url_for("web") == own
    assert Settings(tls_folder=folder).database_url_for("web").startswith("sqlite:")


def test_renewed_files_get_into_the_contexts_in_use(folder: Path, ours: Authority) -> None:
    tls = Tls(folder)
    server = tls.server()
    assert server is not None
    assert not tls.renew()
    ours.folder("web", days=3)
    assert tls.renew()
    assert tls.server() is server
    assert shown_by(server, tls.client()) == ends(folder)["certificate.pem"]


def test_a_renewal_that_does_not_fit_is_refused_once_and_the_one_before_stays(folder: Path, ours: Authority) -> None:
    tls = Tls(folder)
    server = tls.server()
    assert server is not None
    client, before = tls.client(), ends(folder)["certificate.pem"]
    (folder / "certificate.pem").write_bytes((ours.folder("kiosk", days=3) / "certificate.pem").read_bytes())
    with pytest.raises(SettingsError, match="does not match"):
        tls.renew()
    assert not tls.renew(), "said again and again"
    assert shown_by(server, client) == before
    ours.folder("web", days=5)
    assert tls.renew()
    assert shown_by(server, tls.client()) == ends(folder)["certificate.pem"]


def shown_by(server: ssl.SSLContext, client: ssl.SSLContext) -> datetime:
    """Shake hands in memory. Return when the server's certificate expires."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends_ = [
        client.wrap_bio(to_client, to_server, server_hostname="localhost"),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    for _ in range(4):
        for end in ends_:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
    certificate = ends_[0].getpeercert()
    assert certificate
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(certificate["notAfter"])), UTC)


def test_when_a_certificate_ends_is_a_metric_that_follows_the_renewal(folder: Path, ours: Authority) -> None:
    tls = Tls(folder)
    tls.client()
    assert set(watching(tls)) == {"tls"}
    assert metric("certificate.pem") == ends(folder)["certificate.pem"].timestamp()
    assert metric("ca.pem") == ends(folder)["ca.pem"].timestamp()
    ours.folder("web", days=3)
    look(tls)
    left = metric("certificate.pem") - datetime.now(UTC).timestamp()
    assert left < timedelta(days=3).total_seconds()


def test_a_renewal_that_is_refused_is_counted_and_changes_no_metric(folder: Path, ours: Authority) -> None:
    tls = Tls(folder)
    tls.client()
    watching(tls)
    before, refused = metric("certificate.pem"), REGISTRY.get_sample_value(REFUSED) or 0
    (folder / "key.pem").write_bytes((ours.folder("kiosk") / "key.pem").read_bytes())
    os.utime(folder / "key.pem", (1, 1))
    look(tls)
    assert metric("certificate.pem") == before
    assert REGISTRY.get_sample_value(REFUSED) == refused + 1


def metric(file: str) -> float:
    value = REGISTRY.get_sample_value("tongyuan_certificate_expires_timestamp_seconds", {"file": file})
    assert value is not None
    return value


def test_nothing_is_watched_without_tls() -> None:
    assert watching(None) == {}


def test_the_reason_of_a_failure_is_found_behind_other_errors() -> None:
    error = RuntimeError("outer")
    error.__cause__ = ssl.SSLError("something")
    assert reason(error).startswith("TLS: ")
    assert reason(ConnectionError("x")) == "ConnectionError"
