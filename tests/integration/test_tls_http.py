"""HTTP of a running county over TLS: who is not of its authority gets nothing, and a renewal needs no restart."""

import shutil
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import httpx
import pytest

from shared.errors import Unavailable, UpstreamDown
from shared.feeds.upstream import client, get
from shared.probe import ready
from shared.security.certificate_watch import ends
from shared.security.tls import Tls
from shared.web.worker_http import PATIENCE_SECONDS, serve_health
from tests.harness.certificates import Authority
from tests.harness.county import REPOSITORY, TONGYUAN, EmbeddedCounty, running, wait_for
from tests.harness.gateway import gateway_before
from tests.harness.ports import free_port

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("tls_http"), pytest.mark.timeout(600)]


TURNED_AWAY = "RemoteProtocolError"
"""With TLS 1.3 a client believes that all is well before the server has looked at its certificate, and hangs up."""


class TlsCounty(EmbeddedCounty):
    """`tongyuan up` with a folder of certificates; we call it as `caller` says."""

    def __init__(self, folder: Path, certificates: Path, caller: Tls) -> None:
        super().__init__(folder, env={"TONGYUAN_TLS_FOLDER": str(certificates)})
        self._caller = caller

    def url(self, service: str) -> str:
        return f"https://127.0.0.1:{self.env['TONGYUAN_PORT']}"

    def verify(self) -> ssl.SSLContext:
        return self._caller.client()


@dataclass
class Place:
    """A county, the authority that it believes, and one that it does not."""

    county: TlsCounty
    ours: Authority
    strange: Authority
    folder: Path

    def head(self, caller: Path | None) -> dict[str, object]:
        """The ledger's head, as `caller` reads it. Raises `UpstreamDown`."""
        with client(self.county.url("ledger"), tls=Tls(caller) if caller else None) as http:
            return dict(get(http, "/ledger/v1/head"))

    def present(self, folder: Path) -> None:
        """Replace what the county shows, and wait until it does so without having been restarted."""
        for name in ("key.pem", "certificate.pem"):
            shutil.copy2(folder / name, self.folder / "aside")
            (self.folder / "aside").replace(self.folder / name)
        expected = ends(folder)["certificate.pem"]
        wait_for(lambda: self.shown() == expected, "the new certificate is shown", 120, lambda: self.county.log("up"))

    def shown(self) -> datetime | None:
        """When the certificate ends that a stranger is shown; None when he is hung up on before he sees one."""
        from cryptography import x509

        at = ("127.0.0.1", int(self.county.env["TONGYUAN_PORT"]))
        try:
            certificate = ssl.get_server_certificate(at)
        except ssl.SSLEOFError:
            return None
        return x509.load_pem_x509_certificate(certificate.encode()).not_valid_after_utc


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("tls")
    ours, strange = Authority(folder / "ours"), Authority(folder / "strange")
    own, caller = ours.folder("county"), ours.folder("caller")
    shutil.copytree(own, folder / "shown")
    with running(TlsCounty(folder / "county", folder / "shown", Tls(caller))) as county:
        assert isinstance(county, TlsCounty)
        yield Place(county, ours, strange, folder / "shown")


def refused(attempt: Callable[[], object]) -> str:
    with pytest.raises(UpstreamDown) as raised:
        attempt()
    return str(raised.value)


def test_who_has_a_certificate_of_the_county_reads(place: Place) -> None:
    assert "root" in place.head(place.ours.folder("reader"))


def test_the_auditor_and_the_command_line_find_their_way(place: Place) -> None:
    place.county.verified()
    done = place.county.cli("audit")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_probe_from_within_works(place: Place) -> None:
    assert ready(place.county.env) == ""


def test_plain_is_refused(place: Place) -> None:
    with pytest.raises(httpx.HTTPError):
        httpx.get(place.county.url("web").replace("https", "http") + "/web/", trust_env=False)


def test_nobody_reads_without_a_certificate(place: Place) -> None:
    nobody = place.ours.folder("nobody")
    for name in ("certificate.pem", "key.pem"):
        (nobody / name).unlink()
    assert TURNED_AWAY in refused(lambda: place.head(nobody))


def test_a_caller_of_a_strange_authority_is_refused(place: Place) -> None:
    assert TURNED_AWAY in refused(lambda: place.head(place.strange.folder("caller", believes=place.ours)))


def test_a_caller_whose_certificate_has_ended_is_refused(place: Place) -> None:
    assert TURNED_AWAY in refused(lambda: place.head(place.ours.folder("late", days=-5)))


def test_a_county_of_a_strange_authority_is_refused(place: Place) -> None:
    believer = place.ours.folder("believer", believes=place.strange)
    assert "certificate not accepted: self-signed certificate in certificate chain" in refused(
        lambda: place.head(believer)
    )


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_an_older_tls_is_refused(place: Place) -> None:
    old = Tls(place.ours.folder("old")).client()
    old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises(httpx.ConnectError, match=r"(?i)protocol.version|EOF"):
        httpx.get(place.county.url("web") + "/web/", verify=old, trust_env=False)


def test_a_county_under_another_name_is_refused_and_taken_again_after_the_renewal(place: Place) -> None:
    reader = place.ours.folder("reader")
    place.present(place.ours.folder("other", host="elsewhere.example", days=9))
    assert "IP address mismatch" in refused(lambda: place.head(reader))
    place.present(place.ours.folder("county", days=8))
    assert "root" in place.head(reader)


def test_a_county_whose_certificate_has_ended_is_refused_and_taken_again_after_the_renewal(place: Place) -> None:
    reader = place.ours.folder("reader")
    place.present(place.ours.folder("ended", days=-5))
    assert "certificate has expired" in refused(lambda: place.head(reader))
    assert "certificate has expired" in place.county.cli("status").stderr
    place.present(place.ours.folder("county", days=7))
    assert "root" in place.head(reader)


def said_to_stay(place: Place) -> int:
    """How often a pair was refused: also one of which half was renewed, when it was looked at in that moment."""
    return place.county.log("up").count("the previous one stays in use")


def test_a_pair_that_does_not_fit_is_not_taken_into_use_and_said_in_the_log(place: Place) -> None:
    before, refusals = place.shown(), said_to_stay(place)
    good = (place.folder / "key.pem").read_bytes()
    (place.folder / "key.pem").write_bytes((place.ours.folder("misfit") / "key.pem").read_bytes())
    wait_for(lambda: said_to_stay(place) > refusals, "the refusal is in the log")
    assert place.shown() == before
    (place.folder / "key.pem").write_bytes(good)


def test_a_county_with_a_key_that_others_may_read_does_not_start(place: Place, tmp_path: Path) -> None:
    folder = place.ours.folder("open")
    (folder / "key.pem").chmod(0o644)
    broken = TlsCounty(tmp_path, folder, Tls(place.ours.folder("caller")))
    done = broken.cli("up", "--no-demo")
    assert done.returncode == 2
    assert "TONGYUAN_TLS_FOLDER" in done.stderr
    assert "chmod 600" in done.stderr


@pytest.fixture(scope="module")
def worker(place: Place) -> dict[str, str]:
    """Environment of a worker whose health is served in this process."""
    folder, port = place.ours.folder("worker"), free_port()
    serve_health("web-worker", "127.0.0.1", port, _sound, Tls(folder).server())
    return {"TONGYUAN_TLS_FOLDER": str(folder), "TONGYUAN_METRICS_PORT": str(port)}


def _sound() -> None:
    pass


def test_a_workers_metrics_need_a_certificate_and_its_probe_has_one(place: Place, worker: dict[str, str]) -> None:
    assert ready(worker) == ""
    address = f"https://127.0.0.1:{worker['TONGYUAN_METRICS_PORT']}"
    with client(address, tls=Tls(place.ours.folder("prometheus"))) as http:
        assert "python_info" in http.get("/metrics").text
    with (
        client(address, tls=Tls(place.strange.folder("prometheus", believes=place.ours))) as http,
        pytest.raises(httpx.HTTPError),
    ):
        http.get("/metrics")
    with pytest.raises(httpx.HTTPError):
        httpx.get(address.replace("https", "http") + "/metrics", trust_env=False)
    assert ready({**worker, "TONGYUAN_TLS_LISTEN": "plain"}) != ""


def test_a_stranger_who_says_nothing_does_not_keep_a_probe_waiting_for_long(worker: dict[str, str]) -> None:
    silent = [socket.create_connection(("127.0.0.1", int(worker["TONGYUAN_METRICS_PORT"]))) for _ in range(2)]
    try:
        wait_for(lambda: ready(worker) == "", "the probe gets its answer", 20 * PATIENCE_SECONDS)
    finally:
        for sock in silent:
            sock.close()


def test_a_probe_says_no_when_the_worker_cannot_work(place: Place) -> None:
    def unsound() -> None:
        raise Unavailable("no database")

    folder, port = place.ours.folder("ill"), free_port()
    serve_health("web-worker", "127.0.0.1", port, unsound, Tls(folder).server())
    env = {"TONGYUAN_TLS_FOLDER": str(folder), "TONGYUAN_METRICS_PORT": str(port)}
    assert ready(env).startswith("status 503")
    ended = place.ours.folder("ill2", days=-3)
    assert "TLS: " in ready({**env, "TONGYUAN_TLS_FOLDER": str(ended)})


def test_the_doctor_tells_of_a_certificate_that_ends_soon(place: Place) -> None:
    environment = {**place.county.cli_env(), "TONGYUAN_BASE_URL": place.county.url("web")}
    place.present(place.ours.folder("county", days=12))
    command = [*TONGYUAN, "doctor"]
    done = subprocess.run(
        command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "the certificate of catalog expires in 11 days" in done.stdout
    assert f"{place.folder / 'certificate.pem'} expires in 11 days" in done.stdout


def test_the_gateway_shows_its_certificate_and_the_public_needs_none(place: Place, tmp_path: Path) -> None:
    with gateway_before(place.county, tmp_path, place.ours.folder("gateway")) as address:
        assert httpx.get(f"{address}/web/", trust_env=False).status_code == 200
        assert httpx.get(f"{address}/ledger/v1/head", trust_env=False).json()["root"]


def test_a_gateway_that_does_not_know_the_county_passes_on_nothing(place: Place, tmp_path: Path) -> None:
    certificates = place.ours.folder("doubter", believes=place.strange)
    with gateway_before(place.county, tmp_path, certificates) as address:
        assert httpx.get(f"{address}/web/", trust_env=False).status_code == 502
