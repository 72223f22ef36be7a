"""The second signature: OpenSSL signs, another implementation verifies, and readers that do not know it ignore it."""

import base64
import hashlib
import subprocess
import sys
from contextlib import closing

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from gmalg import SM2
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from services.cli.app import app
from services.cli.keys import ledger_keys as keys_command
from services.ledger.signing import sm2_signature
from services.ledger.signing.signer import Signer
from services.ledger.signing.sm2_signature import KIND, USER_ID, Sm2File
from shared.config import Settings
from shared.errors import Broken, Unavailable
from shared.transparency.checkpoint import NoteKey, checkpoint_text, opened_checkpoint, signer_ids
from tests.harness.packages import require
from tests.harness.pipeline import Pipeline, item

NAME = "tongyuan/339921000000"
TEXT = checkpoint_text(NAME, 7, bytes(range(32)))


@pytest.fixture(scope="module")
def openssl():
    return str(require("openssl", "openssl"))


@pytest.fixture(scope="module")
def run(openssl):
    """Run openssl with these arguments and return what it writes."""
    return lambda *arguments: subprocess.run([openssl, *arguments], capture_output=True, check=True).stdout


@pytest.fixture(scope="module")
def key_file(tmp_path_factory):
    return tmp_path_factory.mktemp("sm2") / "sm2.pem"


@pytest.fixture(scope="module")
def sm2(key_file, openssl):
    return Sm2File(key_file, NAME, openssl)


@pytest.fixture
def county(tmp_path, sm2):
    with closing(Pipeline(tmp_path, channels=["web"])) as made:
        made.signer.second = sm2
        made.release(item(1))
        made.flow()
        yield made


def good(public_key, text, signature):
    """Whether gmalg verifies it, which is pure Python and shares no code with OpenSSL."""
    r, s = (number.to_bytes(32, "big") for number in decode_dss_signature(signature))
    return SM2(uid=USER_ID.encode(), pk=public_key).verify(text, r, s)


def second_line(note):
    """Return (key id, signature) of the last line."""
    raw = base64.b64decode(note.splitlines()[-1].rpartition(" ")[2])
    return raw[:4], raw[4:]


# ---- the signature ----------------------------------------------------------------------------------------------


@settings(max_examples=20)
@given(text=st.binary(max_size=300))
def test_whatever_is_signed_another_implementation_verifies(sm2, text):
    signature = sm2.sign(text)
    assert good(sm2.key.public_key, text, signature)
    assert not good(sm2.key.public_key, text + b"x", signature)


def test_openssl_verifies_it_under_the_default_identifier_and_under_no_other(sm2, key_file, openssl, run, tmp_path):
    files = {"text": TEXT.encode(), "signature": sm2.sign(TEXT.encode())}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    public = tmp_path / "public.pem"
    public.write_bytes(run("pkey", "-in", key_file, "-pubout"))

    def verified(identifier):
        command = [
            openssl, "pkeyutl", "-verify", "-pubin", "-inkey", public, "-rawin", "-digest", "sm3",
            "-pkeyopt", f"distid:{identifier}", "-in", tmp_path / "text", "-sigfile", tmp_path / "signature",
        ]  # fmt: skip
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    assert verified("1234567812345678")
    assert not verified("8765432187654321")


def test_what_another_implementation_signs_openssl_verifies(run, tmp_path):
    secret = int.from_bytes(b"another key".ljust(32, b"."), "big").to_bytes(32, "big")
    other = SM2(sk=secret, uid=USER_ID.encode())
    r, s = other.sign(TEXT.encode())
    (tmp_path / "s").write_bytes(encode_dss_signature(int.from_bytes(r, "big"), int.from_bytes(s, "big")))
    (tmp_path / "t").write_bytes(TEXT.encode())
    spki = bytes.fromhex("3059301306072a8648ce3d020106082a811ccf5501822d034200") + public_point(secret)
    (tmp_path / "p.der").write_bytes(spki)
    run(
        "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", str(tmp_path / "p.der"),
        "-rawin", "-digest", "sm3", "-pkeyopt", f"distid:{USER_ID}",
        "-in", str(tmp_path / "t"), "-sigfile", str(tmp_path / "s"),
    )  # fmt: skip


def public_point(secret):
    return SM2().generate_pk(secret)


# ---- the note ---------------------------------------------------------------------------------------------------


def test_a_checkpoint_ends_in_the_second_signature_and_its_key_is_listed_apart(county, sm2):
    note = county.get("ledger/v1/checkpoint").text
    listed = county.get("ledger/v1/keys").json()
    (key,) = listed["second_keys"]
    key_id, signature = second_line(note)

    assert key_id.hex() == key["key_id"]
    assert good(bytes.fromhex(key["public_key"]), (note.partition("\n\n")[0] + "\n").encode(), signature)
    assert (key["algorithm"], key["user_id"], key["name"]) == ("SM2 with SM3", "1234567812345678", county.signer.name)
    assert [one["algorithm"] for one in listed["keys"]] == ["Ed25519"]


def test_the_key_id_is_what_the_specification_says_for_a_type_without_a_byte(sm2):
    encoded = b"\xff" + b"tongyuan/sm2-with-sm3" + sm2.key.public_key
    assert sm2.key.key_id == hashlib.sha256(NAME.encode() + b"\n" + encoded).digest()[:4]
    assert sm2.key.vkey == f"{NAME}+{sm2.key.key_id.hex()}+{base64.b64encode(encoded).decode()}"
    assert (KIND[0], sm2.key.public_key[0], len(sm2.key.public_key)) == (0xFF, 4, 65)


def test_readers_that_do_not_know_it_pass_over_it(county):
    """Channels have accepted the head; so does docs/verify/verify.py, see test_verify_outsider.py."""
    note = county.get("ledger/v1/checkpoint").text
    checkpoint = opened_checkpoint(note, [NoteKey(county.signer.name, county.signer.public_key)])

    assert len(signer_ids(note)) == 2
    assert checkpoint.signed_by == {county.signer.key_id.hex()}
    assert county.get("web/v1/position").json()["head"]["size"] == 1
    assert county.get("ledger/v1/statement").json()["note"].count("\n— ") == 1


def test_a_verifier_key_of_it_is_not_taken_for_one_that_channels_can_use(sm2):
    with pytest.raises(Broken, match="Ed25519"):
        NoteKey.of_vkey(sm2.key.vkey)


def test_it_is_off_unless_somebody_asks_for_it(tmp_path):
    assert Settings(data_dir=tmp_path).sm2_key_file is None
    with closing(Pipeline(tmp_path, channels=())) as county:
        county.flow()
        assert county.get("ledger/v1/keys").json()["second_keys"] == []
        assert len(signer_ids(county.get("ledger/v1/checkpoint").text)) == 1


def test_the_command_lists_it(county, monkeypatch):
    class Running:
        def get(self, service, path):
            return county.get(f"{service}/v1/{path}").json()

    monkeypatch.setattr(keys_command, "county", lambda *_: closing(Open(Running())))
    shown = CliRunner().invoke(app, ["keys", "list"]).output
    (key,) = county.get("ledger/v1/keys").json()["second_keys"]
    assert key["key_id"] in shown
    assert key["vkey"] in shown.replace("\n", "")


class Open:
    """Holds what `with county(…)` gives, and closes it."""

    def __init__(self, running):
        self.get, self.close = running.get, lambda: None


# ---- the key and the program ------------------------------------------------------------------------------------


def test_the_key_is_made_once_and_others_may_not_read_it(tmp_path, openssl):
    path = tmp_path / "sm2.pem"
    first = Sm2File(path, NAME, openssl).key
    assert path.stat().st_mode & 0o777 == 0o600
    assert Sm2File(path, NAME, openssl).key == first
    path.chmod(0o640)
    with pytest.raises(Broken, match="chmod 600"):
        Sm2File(path, NAME, openssl)


@pytest.mark.parametrize(("make", "reason"), [
    (lambda _run: b"no key", "is not a PEM private key"),
    (lambda run: run("genpkey", "-algorithm", "ED25519"), "is not an SM2 key"),
    (lambda run: run("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"), "is not an SM2 key"),
])  # fmt: skip
def test_a_file_that_holds_no_sm2_key_is_refused_by_name(tmp_path, openssl, run, make, reason):
    path = tmp_path / "sm2.pem"
    path.write_bytes(make(run))
    path.chmod(0o600)
    with pytest.raises(Broken, match=f"sm2.pem {reason}"):
        Sm2File(path, NAME, openssl)


def test_nothing_that_is_signed_is_an_argument_of_the_program(sm2, key_file, monkeypatch):
    start, seen = subprocess.run, []
    monkeypatch.setattr(
        subprocess, "run", lambda command, **more: (seen.append((command, more)), start(command, **more))[1]
    )
    hostile = b"$(touch /tmp/x); -inkey /etc/passwd\n--help\n"
    assert good(sm2.key.public_key, hostile, sm2.sign(hostile))

    ((command, more),) = seen
    assert command[1:] == ["pkeyutl", "-sign", "-inkey", str(key_file), *sm2_signature.SM2]
    assert more["input"] == hostile
    assert not more.get("shell")


def test_without_the_program_the_start_ends_with_the_packages_name(tmp_path):
    with pytest.raises(Broken, match="install the Debian package openssl"):
        Sm2File(tmp_path / "sm2.pem", NAME, str(tmp_path / "openssl"))
    assert list(tmp_path.iterdir()) == []


def test_a_head_whose_second_signature_cannot_be_had_is_not_published(county, tmp_path, openssl):
    lost = Sm2File(tmp_path / "lost.pem", NAME, openssl)
    (tmp_path / "lost.pem").unlink()
    county.signer.second = lost
    county.release(item(2))
    with pytest.raises(Unavailable, match="pkeyutl"):
        county.flow()
    assert county.ledger.head().size == 1


def test_a_device_takes_the_files_place(tmp_path):
    class Device:
        key = NoteKey(NAME, bytes(65), b"\xffcounty/device")

        def sign(self, text):
            return b"signed by a device: " + hashlib.sha256(text).digest()

    with closing(Pipeline(tmp_path, channels=())) as county:
        county.signer.second = Device()
        county.flow()
        note = county.get("ledger/v1/checkpoint").text
        assert second_line(note)[0] == Device.key.key_id
        assert second_line(note)[1].startswith(b"signed by a device")
        (key,) = county.get("ledger/v1/keys").json()["second_keys"]
        assert (key["algorithm"], key["user_id"]) == ("county/device", None)


def test_it_works_in_a_worker_whose_standard_library_is_cooperative(sm2, key_file):
    """nameko's workers run on eventlet, which replaces modules on which `subprocess` depends."""
    program = (
        "from shared.messaging import eventlet_patch; eventlet_patch.patch()\n"
        "import sys\nfrom pathlib import Path\nfrom services.ledger.signing.sm2_signature import Sm2File\n"
        f"print(Sm2File(Path(sys.argv[1]), {NAME!r}).sign(b'text').hex())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(key_file)], capture_output=True, text=True, timeout=120, check=True
    )
    assert good(sm2.key.public_key, b"text", bytes.fromhex(done.stdout.strip()))


def test_the_ledgers_key_signs_as_before(county):
    alone = Signer(county.signer.name, county.signer.ring()[0].key)
    note = county.get("ledger/v1/checkpoint").text
    size, root = county.ledger.head().size, bytes.fromhex(county.ledger.head().root)
    assert note.startswith(alone.checkpoint(size, root))
