"""The whole production county with docker-compose.tls.yml on top: TLS between all, and nobody without a certificate."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pika
import psycopg
import pytest
from pika.exceptions import ChannelClosedByBroker

from contracts.topology import PUBLICATIONS_EXCHANGE
from shared.errors import Unconfirmed
from shared.messaging.delivery import Message
from shared.messaging.pika_parameters import pika_parameters
from shared.messaging.publisher import AmqpPublisher
from tests.harness.certificates import Authority
from tests.harness.compose_county import open_a_case, publish_an_item_and_its_guide, succeed, wait_until_shown
from tests.harness.county import CHANNELS, SERVICES, wait_for
from tests.harness.tls_county import Secured, make_certificates, tls_county

pytestmark = [pytest.mark.servers, pytest.mark.long, pytest.mark.xdist_group("tls_county"), pytest.mark.timeout(900)]


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


def test_every_line_to_the_database_is_encrypted_and_has_a_certificate(secured: Secured) -> None:
    with psycopg.connect(secured.database.dsn("tongyuan")) as connection:
        asked = """SELECT usename, ssl, client_dn FROM pg_stat_activity JOIN pg_stat_ssl USING (pid)
            WHERE usename IS NOT NULL AND usename <> current_user"""
        lines = connection.execute(asked).fetchall()
    assert {str(user) for user, _, _ in lines} == set(SERVICES)
    assert all(ssl and str(name).startswith("/CN=") for _, ssl, name in lines), lines


def test_the_database_refuses_who_is_plain_or_has_no_certificate(secured: Secured) -> None:
    url = secured.county.env_of("web")["TONGYUAN_WEB_DATABASE_URL"]
    ca = secured.folder / "web" / "ca.pem"
    with pytest.raises(psycopg.OperationalError, match="no encryption"):
        psycopg.connect(f"{url}?sslmode=disable")
    with pytest.raises(psycopg.OperationalError, match="requires a valid client certificate"):
        psycopg.connect(f"{url}?sslmode=verify-full&sslrootcert={ca}&sslcert=/none&sslkey=/none")


def test_the_certificate_is_the_account_with_its_least_rights(secured: Secured) -> None:
    for name in CHANNELS:
        parameters = pika_parameters(secured.amqp_url, "test", 30, secured.tls(f"{name}-worker"))
        connection = pika.BlockingConnection(parameters)
        channel = connection.channel()
        channel.confirm_delivery()
        with pytest.raises(ChannelClosedByBroker, match=f"ACCESS_REFUSED.*user '{name}'"):
            channel.basic_publish(PUBLICATIONS_EXCHANGE, "339921000000.item.release", b"{}")
        connection.close()


def test_a_process_that_needs_no_broker_has_no_account_there(secured: Secured) -> None:
    for name in (*CHANNELS, "auditor", "migrate", "gateway"):
        publisher = AmqpPublisher(
            secured.amqp_url, PUBLICATIONS_EXCHANGE, connection_name="test", timeout=30, tls=secured.tls(name)
        )
        with pytest.raises(Unconfirmed):
            publisher.publish([Message(b"{}", "339921000000.item.release", "one")])
        publisher.close()


def test_an_integrator_reads_its_queue_with_a_certificate_of_its_account(secured: Secured) -> None:
    publish_an_item_and_its_guide(secured.county, 1)
    said = succeed(
        secured.county, "cli", "subscription", "add", "集成方", "--delivery", "amqp", "--start", "everything"
    )
    account = re.findall(r"^  account +(\S+)", said, re.MULTILINE)[0]
    assert "password" not in said
    make_certificates(secured.folder, "--integrator", account)
    parameters = pika_parameters(secured.amqp_url, "test", 30, secured.tls(account))
    connection = pika.BlockingConnection(parameters)
    for method, properties, _ in connection.channel().consume(f"integrators.{account}", inactivity_timeout=60):
        assert method is not None
        assert properties.content_type == "application/cloudevents+json"
        break
    connection.close()
    assert "is revoked" in succeed(secured.county, "cli", "subscription", "revoke", account)


def test_an_operators_commands_work_and_the_doctor_finds_nothing_wrong(secured: Secured) -> None:
    said = {("status",): "all well", ("dead", "list"): "no dead letters", ("doctor",): "nothing wrong found"}
    for arguments, words in said.items():
        assert words in succeed(secured.county, "cli", *arguments), arguments


def test_an_ended_certificate_under_a_running_county_loses_nothing_and_heals_by_renewal(
    secured: Secured, tmp_path: Path
) -> None:
    county = secured.county
    ended = Authority.of(secured.folder / "authority", tmp_path / "ended")
    for name in ("rabbitmq", "ledger"):
        show(secured, name, ended.folder(name, days=-2))
    begin_anew(secured)

    code = publish_an_item_and_its_guide(county, 1)
    wait_for(lambda: "certificate has expired" in county.log("catalog"), "the relay says why it waits", 120)
    assert county.http("web").get(f"/web/v1/items/{code}").status_code == 404
    told = county.job("cli", "status")
    assert told.returncode != 0
    assert "certificate has expired" in told.stderr

    make_certificates(secured.folder, "--all")
    secured.rabbit.ctl("eval", "ssl:clear_pem_cache().")
    wait_for(lambda: county.job("cli", "status").returncode == 0, "all is well again", 240)
    assert county.http("web").get(f"/web/v1/items/{code}").status_code == 200
    assert "the same source everywhere" in succeed(county, "cli", "verify")


def show(secured: Secured, name: str, folder: Path) -> None:
    for file in ("key.pem", "certificate.pem"):
        shutil.copy2(folder / file, secured.folder / name / file)


def begin_anew(secured: Secured) -> None:
    """Every connection is cut; certificates are looked at only when one begins."""
    secured.rabbit.ctl("eval", "ssl:clear_pem_cache().")
    secured.rabbit.ctl("close_all_connections", "a new certificate")
    wait_for(lambda: not reaches(secured), "the ledger shows its ended certificate", 120)


def reaches(secured: Secured) -> bool:
    return "certificate has expired" not in secured.county.job("cli", "keys", "list").stderr
