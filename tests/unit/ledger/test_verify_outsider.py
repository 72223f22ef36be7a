"""docs/verify/verify.py, an outsider's program, detects any manipulation of the county's answers."""

import json
import runpy
import subprocess
import sys
import threading
from base64 import b64encode
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.ledger.signing.heads import sign_head
from services.ledger.signing.signer import Signer
from services.ledger.signing.sm2_signature import Sm2File
from shared.transparency.checkpoint import NoteKey, signature_line
from tests.harness.county import REPOSITORY
from tests.harness.packages import require
from tests.harness.pipeline import guide, item, pipeline, progress

PROGRAM = REPOSITORY / "docs" / "verify" / "verify.py"
SIZE = 263


class Answers:
    """The county over HTTP as a stranger sees it, each answer recorded once; `tamper` may alter one."""

    def __init__(self, county):
        self.county, self.noted, self.tamper = county, {}, lambda _path, body: body
        answers = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                status, body = answers.of(self.path)
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_arguments):
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.base = f"http://127.0.0.1:{self.server.server_port}"

    def of(self, path):
        if path not in self.noted:
            answer = self.county.http.get(path)
            self.noted[path] = (answer.status_code, answer.content)
        status, body = self.noted[path]
        return status, self.tamper(path, body)


@pytest.fixture(scope="module")
def county(tmp_path_factory):
    """Entries of all kinds, more than a tile holds; tests do not change them."""
    folder = tmp_path_factory.mktemp("outsider")
    with pipeline(folder, witness_key_file=folder / "witness.pem") as made:
        made.release(item(1))
        made.release(item(1, "第二版"))
        made.release(guide(1))
        made.release(item(2))
        made.release_case(progress())
        made.release(item(3))
        made.withdraw(item(3))
        body = item(4).model_dump(mode="json")
        for version in range(1, SIZE - 6):
            made.emit("catalog", f"item:{item(4).code}", body, version)
        made.flow()
        sign_head(made.dbs["ledger"], made.signer, timedelta(0))
        yield made


@pytest.fixture(scope="module")
def served(county):
    with serving(county) as answers:
        yield answers


@contextmanager
def serving(county):
    """Serve the county's answers while the context is open."""
    answers = Answers(county)
    threading.Thread(target=answers.server.serve_forever, args=(0.02,), daemon=True).start()
    yield answers
    answers.server.shutdown()
    answers.server.server_close()


@pytest.fixture
def verify(served, monkeypatch, capsys):
    """Run the program in this process, which waits for nothing. Return its verdict."""
    monkeypatch.setattr("time.sleep", lambda _seconds: None)

    def run(*arguments, tamper=lambda _path, body: body, answers=served):
        answers.tamper = tamper
        monkeypatch.setattr(sys, "argv", ["verify.py", answers.base, *map(str, arguments)])
        try:
            runpy.run_path(str(PROGRAM), run_name="__main__")
        except SystemExit as end:
            return str(end.code)
        return capsys.readouterr().out

    return run


def vkey(county):
    return NoteKey(county.signer.name, county.signer.public_key).vkey


def test_a_stranger_runs_it_and_finds_the_county_honest(county, served):
    served.tamper = lambda _path, body: body
    done = subprocess.run(
        [sys.executable, PROGRAM, served.base, "--key", vkey(county)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd="/",
    )

    assert done.returncode == 0, done.stderr
    assert f"✓ {SIZE} entries" in done.stdout
    assert [line.split(":")[0] for line in done.stdout.splitlines()[2:]] == [
        f"✓ {name}" for name in ("web", "mobile", "kiosk", "portal")
    ]


def test_pages_that_are_shorter_than_it_asked_for_are_read_on(verify):
    said = verify(tamper=lambda path, body: shortened(body) if path.startswith("/ledger/v1/entries") else body)

    assert f"✓ {SIZE} entries" in said


def shortened(body):
    answer = json.loads(body)
    return json.dumps({**answer, "entries": answer["entries"][:100]}).encode()


def test_it_ends_with_status_1_when_something_is_wrong(served):
    served.tamper = on("/ledger/v1/checkpoint", lambda body: body.replace(b"\n263\n", b"\n262\n"))
    done = subprocess.run(
        [sys.executable, PROGRAM, served.base], capture_output=True, text=True, timeout=120, check=False
    )

    assert done.returncode == 1
    assert done.stderr.startswith("✗ ")


def test_it_is_short_and_imports_nothing_of_ours():
    text = PROGRAM.read_text(encoding="utf-8")

    assert len(text.splitlines()) <= 165
    assert not any(
        f"{word} {room}" in text for word in ("import", "from") for room in ("services", "shared", "contracts")
    )


def on(prefix, change):
    """Tamper with answers to addresses that begin with `prefix`."""
    return lambda path, body: change(body) if path.startswith(prefix) else body


def flipped(place):
    def change(body):
        raw = bytearray(body)
        raw[place] ^= 1
        return bytes(raw)

    return change


def edited(change):
    """Like `on`, for JSON: `change` alters the document in place."""

    def changed(body):
        document = json.loads(body)
        change(document)
        return json.dumps(document).encode()

    return changed


def entry(number, **fields):
    return edited(lambda page: [one.update(fields) for one in page["entries"] if one["position"] == number])


def mark(**fields):
    return edited(lambda page: next(c for c in page["changes"] if c["document"])["document"]["source"].update(fields))


@pytest.mark.parametrize(("address", "change"), [
    ("/ledger/v1/checkpoint", flipped(-8)),
    ("/ledger/v1/checkpoint", flipped(30)),
    ("/ledger/v1/checkpoint", lambda body: body.split(b"\n\n")[0]),
    ("/ledger/v1/tile/entries/000", flipped(40)),
    ("/ledger/v1/tile/entries/000", flipped(1)),
    ("/ledger/v1/tile/entries/001", flipped(-3)),
    ("/ledger/v1/tile/entries/001", lambda body: body[:-9]),
    ("/ledger/v1/tile/0/000", flipped(100)),
    ("/ledger/v1/tile/0/001", lambda body: body[:-32]),
    ("/ledger/v1/entries", entry(1, digest="00" * 32)),
    ("/ledger/v1/entries", entry(2, body={"name": "别的"})),
    ("/ledger/v1/entries", entry(260, version=9999)),
    ("/ledger/v1/entries", edited(lambda page: page["entries"].pop())),
    ("/ledger/v1/entries", edited(lambda page: page["entries"].reverse())),
    ("/ledger/v1/proof/inclusion", edited(lambda proof: proof["path"].reverse())),
    ("/ledger/v1/statement", edited(lambda said: said.update(note=said["note"].replace('"size":', '"size":1')))),
    ("/web/v1/changes", mark(digest="00" * 32)),
    ("/mobile/v1/changes", mark(version=77)),
    ("/kiosk/v1/changes", mark(position=SIZE + 1)),
    ("/portal/v1/changes", mark(key="item:0")),
    ("/web/v1/checkpoint", lambda body: body.split(b"\n\n")[0]),
    ("/web/v1/checkpoint", lambda body: body.replace(b"\n263\n", b"\n26\n")),
    ("/kiosk/v1/changes", lambda _body: b"<html>all is well</html>"),
])  # fmt: skip
def test_whatever_is_altered_is_found(verify, address, change):
    assert verify(tamper=on(address, change)).startswith("✗ ")


def test_an_old_version_on_a_channel_is_found_once_the_delay_is_over(verify, county, monkeypatch):
    first = county.get("ledger/v1/entries/1").json()
    old = mark(**{name: first[name] for name in ("key", "version", "position", "digest")})
    tamper = on("/web/v1/changes", old)
    assert "✓ web" in verify(tamper=tamper)

    later(monkeypatch, timedelta(minutes=2))
    assert "no longer in force" in verify(tamper=tamper)


def test_a_withdrawn_item_on_a_channel_is_found(verify, county):
    withdrawn = next(
        one for one in county.get("ledger/v1/entries", limit=20).json()["entries"] if one["op"] == "withdraw"
    )
    shown = mark(**{name: withdrawn[name] for name in ("key", "version", "position", "digest")})

    assert "no longer in force" in verify(tamper=on("/portal/v1/changes", shown))


def test_a_statement_that_has_expired_is_found(verify, monkeypatch):
    later(monkeypatch, timedelta(hours=25))

    assert "expired" in verify()


def test_a_signed_state_that_is_not_that_of_the_entries_is_found(verify, county):
    def lie(answer):
        said = answer["statement"] | {"state_root": "00" * 32}
        answer["note"] = county.signer.note(json.dumps(said) + "\n")

    assert "signed state" in verify(tamper=on("/ledger/v1/statement", edited(lie)))


def test_a_key_from_elsewhere_is_not_replaced_by_what_the_county_says(verify, county):
    other = Ed25519PrivateKey.generate().public_key().public_bytes_raw()

    assert "no known key" in verify("--key", NoteKey(county.signer.name, other).vkey)
    assert "✓ portal" in verify("--key", NoteKey(county.signer.name, other).vkey, "--key", vkey(county))


def test_the_history_must_continue_what_was_seen_last_time(verify, county, tmp_path):
    kept = tmp_path / "checkpoint"
    assert "✓ portal" in verify("--remember", kept)
    assert kept.read_text() == county.get("ledger/v1/checkpoint").text
    assert "continues" in verify("--remember", kept)

    other = county.signer.checkpoint(5, bytes(32))
    kept.write_text(other)
    assert "do not yield the signed root" in verify("--remember", kept)
    assert kept.read_text() == other
    kept.write_text(county.signer.checkpoint(SIZE + 1, bytes(32)))
    assert "a head of 264 entries" in verify("--remember", kept)


def test_the_channels_cosignatures_are_checked_by_whoever_knows_their_keys(verify, county):
    witness = county.get("web/v1/checkpoint").headers["witness-key"]
    both = ("--key", vkey(county), "--key", witness)
    assert f"head signed by {county.signer.name}, {county.signer.name}/web\n" in verify(*both)

    assert verify(*both, tamper=on("/web/v1/checkpoint", flipped(-9))).startswith("✗ ")
    assert "no known key" in verify("--key", witness)


def test_a_checkpoint_of_another_log_is_refused(verify, county):
    root = bytes.fromhex(county.get("ledger/v1/head").json()["root"])
    other = Signer(county.signer.name, county.signer.ring()[0].key)
    note = other.note(f"tongyuan/other\n{SIZE}\n{b64encode(root).decode()}\n").encode()

    assert "another log" in verify(tamper=on("/ledger/v1/checkpoint", lambda _body: note))


def test_a_second_signature_by_an_algorithm_that_it_does_not_know_is_passed_over(verify, county, tmp_path):
    second = Sm2File(tmp_path / "sm2.pem", county.signer.name, str(require("openssl", "openssl")))
    listed = {"key_id": second.key.key_id.hex(), "algorithm": "SM2 with SM3", "vkey": second.key.vkey}

    def signed_twice(path, body):
        if path.startswith("/ledger/v1/checkpoint"):
            text = body.decode().partition("\n\n")[0] + "\n"
            return body + signature_line(second.key.name, second.key.key_id, second.sign(text.encode())).encode()
        if path.startswith("/ledger/v1/keys"):
            return edited(lambda answer: answer.update(second_keys=[listed]))(body)
        return body

    assert verify(tamper=signed_twice) == verify()
    assert "✓ portal" in verify("--key", vkey(county), tamper=signed_twice)


def later(monkeypatch, much):
    """Run the program at a later time."""

    class Later(datetime):
        @classmethod
        def now(cls, zone=UTC):
            return datetime.now(zone) + much

    monkeypatch.setattr("datetime.datetime", Later)


def test_a_release_that_the_newest_head_does_not_reach_yet_is_waited_for_and_no_complaint(
    verify, monkeypatch, tmp_path
):
    """Channels show an entry by its own proof; the ledger signs a head every two seconds."""
    waited = []
    with pipeline(tmp_path) as county:
        county.release(item(1))
        county.flow()
        before = {path: county.http.get(path).content for path in ("/ledger/v1/checkpoint", "/ledger/v1/statement")}
        county.release(item(2))
        county.flow()
        with serving(county) as answers:
            monkeypatch.setattr("time.sleep", waited.append)
            said = verify(tamper=lambda at, body: before.get(at, body) if len(waited) < 2 else body, answers=answers)

    assert waited == [1, 1]
    assert "✓ 2 entries" in said
    assert "✓ portal" in said
