"""deploy/certificates.py: one authority, a certificate per process, private keys, and renewal in time."""

import subprocess
import sys
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from services.runtime import manifests
from services.runtime.process import PROCESSES
from shared.security.certificate_watch import ends
from shared.security.tls import Tls
from tests.harness.tls_county import SCRIPT, make_certificates

ACCOUNTS = [account.name for account in manifests.accounts()]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    make_certificates(folder)
    return folder


def certificate(folder: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate((folder / "certificate.pem").read_bytes())


def account(folder: Path) -> str:
    (name,) = certificate(folder).subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(name.value)


def test_every_process_gets_a_folder_that_it_can_start_with(made: Path) -> None:
    for name in PROCESSES:
        tls = Tls(made / name)
        tls.require()
        assert tls.server() is not None


def test_keys_are_for_nobody_else(made: Path) -> None:
    keys = [*made.glob("*/key.pem"), made / "authority" / "ca.key"]
    assert len(keys) > len(PROCESSES)
    assert {key.stat().st_mode & 0o777 for key in keys} == {0o600}
    assert len({key.read_bytes() for key in keys}) == len(keys)
    assert not list(made.glob("*/*.new"))


def test_the_name_is_the_account_at_the_broker_and_who_needs_none_has_none(made: Path) -> None:
    at_the_broker = {name for name in PROCESSES if account(made / name) in ACCOUNTS}
    assert at_the_broker == {one.name for one in manifests.processes() if one.broker}
    for name in at_the_broker:
        assert account(made / name) == name.removesuffix("-worker")
    assert {account(made / name) for name in ("gateway", "migrate", "roles", "editors", "postgres")} & set(
        ACCOUNTS
    ) == set()


def test_a_certificate_names_its_own_host_and_no_authority_may_grow_from_it(made: Path) -> None:
    for name in PROCESSES:
        extensions = certificate(made / name).extensions
        hosts = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert hosts.get_values_for_type(x509.DNSName) == [name]
        assert not extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_the_second_run_keeps_what_lasts_and_renews_what_does_not(tmp_path: Path) -> None:
    folder = tmp_path / "tls"
    make_certificates(folder, "--days", "100")
    authority = (folder / "authority" / "ca.pem").read_bytes()
    key = (folder / "web" / "key.pem").read_bytes()
    assert make_certificates(folder).startswith("made 0,")
    assert make_certificates(folder, "--left", "150").startswith("made ")
    assert (folder / "web" / "key.pem").read_bytes() != key
    assert (folder / "authority" / "ca.pem").read_bytes() == authority


def test_nothing_outlives_its_authority(tmp_path: Path) -> None:
    make_certificates(tmp_path / "tls", "--days", "36500")
    found = ends(tmp_path / "tls" / "web")
    assert found["certificate.pem"] <= found["ca.pem"]


def test_days_that_would_renew_everything_every_time_are_refused(tmp_path: Path) -> None:
    command = [sys.executable, str(SCRIPT), str(tmp_path / "tls"), "--days", "30", "--left", "60"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert "--days must be greater than --left" in done.stderr
    assert not (tmp_path / "tls").exists()


def test_an_integrator_gets_a_certificate_of_its_account_and_nobody_one_of_a_process_by_name(tmp_path: Path) -> None:
    name = f"sub_{'a1' * 12}"
    make_certificates(tmp_path / "tls", "--integrator", name)
    assert account(tmp_path / "tls" / name) == name
    Tls(tmp_path / "tls" / name).require()
    command = [sys.executable, str(SCRIPT), str(tmp_path / "tls"), "--integrator", "ledger"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, "must be sub_" in done.stderr) == (2, True)
