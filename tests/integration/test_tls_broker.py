"""The broker over TLS, for each of our three ways to it: what is not right is refused, and never tried plain."""

import os
import shutil
import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import kombu
import pytest

from contracts.topology import DEAD_EXCHANGE, Queue
from shared.errors import SettingsError, Unavailable, Unconfirmed, UpstreamDown
from shared.messaging import topology_job
from shared.messaging.delivery import Message
from shared.messaging.publisher import AmqpPublisher
from shared.messaging.worker import worker_config
from shared.security.tls import Tls
from tests.harness.certificates import Authority
from tests.harness.compose import REPOSITORY
from tests.harness.county import wait_for
from tests.harness.ports import free_port
from tests.harness.rabbitmq import PrivateRabbit
from tests.harness.recording import RecordingWorker

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("tls_broker"), pytest.mark.timeout(600)]

EXCHANGE, QUEUE = "county.news", "reader.news"
ACCOUNT = "harness"


@dataclass
class Place:
    """A broker with deploy/rabbitmq/tls.conf, the authority that it believes, and one that it does not."""

    rabbit: PrivateRabbit
    ours: Authority
    strange: Authority
    shown: Path

    def url(self, host: str = "127.0.0.1") -> str:
        """Without a password: the certificate is the account."""
        return f"amqps://{host}:{self.rabbit.tls_port}/%2F"

    def present(self, folder: Path) -> None:
        """The broker shows this certificate from now on; whoever is connected is cut off."""
        for name in ("certificate.pem", "key.pem"):
            shutil.copy2(folder / name, self.shown / name)
        self.rabbit.ctl("eval", "ssl:clear_pem_cache().")
        self.rabbit.ctl("close_all_connections", "a new certificate")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("tls")
    ours, strange = Authority(folder / "ours"), Authority(folder / "strange")
    shutil.copytree(ours.folder("broker"), folder / "rabbitmq")
    rabbit = PrivateRabbit(folder / "broker")
    rabbit.tls_port = free_port()
    own = REPOSITORY / "deploy" / "rabbitmq"
    said = (own / "tls.conf").read_text(encoding="utf-8").replace("/tls/rabbitmq/", f"{folder}/rabbitmq/")
    said = said.replace("default = 5671", f"default = 127.0.0.1:{rabbit.tls_port}")
    with (rabbit.folder / "rabbitmq.conf").open("a", encoding="utf-8") as file:
        file.write(said)
    # Without the management, whose port would be another one to keep apart.
    (rabbit.folder / "plugins").write_text("[rabbitmq_auth_mechanism_ssl].\n")
    rabbit.start()
    place = Place(rabbit, ours, strange, folder / "rabbitmq")
    topology_job.apply(
        place.url(), exchanges=[EXCHANGE, DEAD_EXCHANGE], queues=[Queue(QUEUE, EXCHANGE)],
        tls=Tls(ours.folder(ACCOUNT)),
    )  # fmt: skip
    yield place
    rabbit.stop()


def publish(url: str, tls: Tls | None) -> None:
    publisher = AmqpPublisher(url, EXCHANGE, connection_name="test", timeout=20, tls=tls)
    try:
        publisher.publish([Message(b"{}", "339921000000.item.release", "one")])
    finally:
        publisher.close()


def declare(url: str, tls: Tls | None) -> None:
    topology_job.apply(url, exchanges=[EXCHANGE], queues=[], tls=tls)


def consume(url: str, tls: Tls | None) -> None:
    """As a worker connects, by its very configuration."""
    said = worker_config(url, tls=tls)
    connection = kombu.Connection(
        said["AMQP_URI"], ssl=said["AMQP_SSL"], login_method=said["LOGIN_METHOD"], connect_timeout=20
    )
    try:
        connection.ensure_connection(max_retries=0, timeout=30)
    except Exception as error:
        raise Unavailable(repr(error)) from error
    finally:
        connection.release()


WAYS = pytest.mark.parametrize("way", [publish, declare, consume])
Way = Callable[[str, Tls | None], None]


def refused(way: Way, url: str, tls: Tls | None) -> str:
    with pytest.raises((Unconfirmed, UpstreamDown, Unavailable)) as raised:
        way(url, tls)
    return str(raised.value)


@WAYS
def test_a_certificate_of_the_county_opens_and_is_the_account(place: Place, way: Way) -> None:
    way(place.url(), Tls(place.ours.folder(ACCOUNT)))


@WAYS
def test_the_name_in_the_address_is_what_counts_even_if_it_is_localhost(place: Place, way: Way) -> None:
    place.present(place.ours.folder("named", host="localhost"))
    way(place.url("localhost"), Tls(place.ours.folder(ACCOUNT)))


@WAYS
def test_a_broker_under_another_name_is_refused(place: Place, way: Way) -> None:
    place.present(place.ours.folder("other", host="elsewhere.example"))
    try:
        assert "mismatch" in refused(way, place.url(), Tls(place.ours.folder(ACCOUNT)))
    finally:
        place.present(place.ours.folder("broker"))


@WAYS
def test_a_broker_whose_certificate_has_ended_is_refused(place: Place, way: Way) -> None:
    place.present(place.ours.folder("ended", days=-5))
    try:
        assert "certificate has expired" in refused(way, place.url(), Tls(place.ours.folder(ACCOUNT)))
    finally:
        place.present(place.ours.folder("broker"))


@WAYS
def test_a_broker_of_a_strange_authority_is_refused(place: Place, way: Way) -> None:
    believer = place.ours.folder(ACCOUNT, believes=place.strange)
    assert "self-signed certificate in certificate chain" in refused(way, place.url(), Tls(believer))


@WAYS
def test_nobody_enters_without_a_certificate_even_with_the_password(place: Place, way: Way) -> None:
    nobody = place.ours.folder("nobody")
    for name in ("certificate.pem", "key.pem"):
        (nobody / name).unlink()
    refused(way, password_url(place), Tls(nobody))


@WAYS
def test_a_password_opens_nothing_even_with_a_certificate(place: Place, way: Way) -> None:
    refused(way, password_url(place), Tls(place.ours.folder(ACCOUNT)))


def password_url(place: Place) -> str:
    password = place.rabbit.password
    return place.url().replace("amqps://", f"amqps://{ACCOUNT}:{password}@")


@WAYS
@pytest.mark.parametrize("days", [10, -5])
def test_a_certificate_of_a_strange_authority_or_one_that_has_ended_opens_nothing(
    place: Place, way: Way, days: int
) -> None:
    signer = place.ours if days < 0 else place.strange
    refused(way, place.url(), Tls(signer.folder(ACCOUNT, believes=place.ours, days=days)))


@WAYS
def test_a_certificate_in_whose_name_there_is_no_account_opens_nothing(place: Place, way: Way) -> None:
    refused(way, place.url(), Tls(place.ours.folder("web-http")))


@WAYS
def test_plain_is_refused_and_nobody_listens_on_the_plain_port(place: Place, way: Way) -> None:
    refused(way, password_url(place).replace("amqps://", "amqp://"), None)
    with socket.socket() as knock:
        assert knock.connect_ex(("127.0.0.1", place.rabbit.port)) != 0


@WAYS
def test_without_files_it_is_not_even_tried(place: Place, way: Way) -> None:
    with pytest.raises((SettingsError, Unavailable), match="TONGYUAN_TLS_FOLDER: must be set"):
        way(place.url(), None)


def ids(worker: RecordingWorker) -> set[str]:
    return {message.message_id for message in worker.recorder.taken()}


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_tls_below_1_2_is_refused(place: Place) -> None:
    old = Tls(place.ours.folder(ACCOUNT)).client()
    old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    old.set_ciphers("ALL:@SECLEVEL=0")
    with (
        socket.create_connection(("127.0.0.1", place.rabbit.tls_port or 0), timeout=60) as sock,
        pytest.raises(ssl.SSLError, match=r"(?i)protocol.version"),
    ):
        old.wrap_socket(sock, server_hostname="127.0.0.1")


def test_a_worker_whose_broker_shows_an_ended_certificate_waits_and_goes_on_after_the_renewal(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = place.ours.folder(ACCOUNT)
    monkeypatch.setitem(os.environ, "TONGYUAN_TLS_FOLDER", str(own))
    worker = RecordingWorker(tmp_path, place.url(), QUEUE)
    worker.start()
    publisher = AmqpPublisher(place.url(), EXCHANGE, connection_name="test", timeout=20, tls=Tls(own))
    try:
        publisher.publish([Message(b"{}", "339921000000.item.release", "before")])
        wait_for(lambda: "before" in ids(worker), "the worker takes", 120, worker.log.read_text)
        place.present(place.ours.folder("ended", days=-5))
        with pytest.raises(Unconfirmed):
            publisher.publish([Message(b"{}", "339921000000.item.release", "lost in between")])
        with pytest.raises(Unconfirmed, match="certificate has expired"):
            publisher.publish([Message(b"{}", "339921000000.item.release", "between")])
        # The worker tries in its own time: renewed earlier, the certificate would never have refused it.
        wait_for(lambda: "certificate has expired" in worker.log.read_text(), "the worker is refused", 120)
        place.present(place.ours.folder("broker", days=9))
        publisher.publish([Message(b"{}", "339921000000.item.release", "after")])
        wait_for(lambda: "after" in ids(worker), "the worker goes on", 120, worker.log.read_text)
        assert "before" in ids(worker)
        assert "between" not in ids(worker)
        assert worker.terminate() == 0
    finally:
        publisher.close()
        worker.kill()
