"""A new signing key comes into use beside the old one; every head ever signed stays verifiable."""

import stat
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from contracts.envelope.statement import KeyEndorsement
from services.cli.app import app
from services.ledger.signing.heads import sign_head
from services.ledger.signing.keyring import KEY_FILE, rotate
from services.ledger.signing.signer import Signer
from shared.errors import Broken, Conflict
from shared.signing.ring import read_ring
from shared.transparency.checkpoint import NoteKey, opened, opened_checkpoint
from tests.harness.pipeline import item, pipeline

WEEK = timedelta(days=7)
NAME = "tongyuan/test"


@pytest.fixture
def county(tmp_path):
    with pipeline(tmp_path, channels=()) as made:
        made.release(item(1))
        made.flow()
        yield made


def now():
    return datetime.now(UTC)


def keys(county):
    return county.get("ledger/v1/keys").json()["keys"]


def note_key(key):
    return NoteKey.of_vkey(key["vkey"])


def signers(county):
    """Return the key ids on the newest checkpoint."""
    note = county.get("ledger/v1/checkpoint").text
    return opened_checkpoint(note, [note_key(key) for key in keys(county)]).signed_by


def sign(county):
    return sign_head(county.dbs["ledger"], county.signer, timedelta(0))


def test_both_keys_sign_during_the_overlap_without_a_restart(county, tmp_path):
    rotate(tmp_path, WEEK, now())
    sign(county)
    old, new = keys(county)

    assert signers(county) == {old["key_id"], new["key_id"]}
    assert (old["state"], new["state"], new["signs_until"]) == ("retiring", "signing", None)
    assert old["signs_until"] > old["created_at"]
    assert stat.S_IMODE((tmp_path / KEY_FILE).stat().st_mode) == 0o600


def test_who_knows_only_one_of_the_two_can_verify(county, tmp_path):
    rotate(tmp_path, WEEK, now())
    sign(county)
    note = county.get("ledger/v1/checkpoint").text

    for key in keys(county):
        assert opened_checkpoint(note, [note_key(key)]).signed_by == {key["key_id"]}


def test_a_retired_key_signs_no_more_and_is_not_forgotten(county, tmp_path):
    before = county.get("ledger/v1/checkpoint").text
    rotate(tmp_path, timedelta(0), now())
    sign(county)
    old, new = keys(county)

    assert signers(county) == {new["key_id"]}
    assert (old["state"], new["state"]) == ("retired", "signing")
    assert opened_checkpoint(before, [note_key(old)]).size == 1
    assert new["endorsement"]


def test_the_old_key_endorses_the_new_one(county, tmp_path):
    rotate(tmp_path, timedelta(0), now())
    sign(county)
    old, new = keys(county)
    text, signed_by = opened(new["endorsement"], [note_key(old)])
    said = KeyEndorsement.model_validate_json(text)

    assert signed_by == {old["key_id"]}
    assert (said.origin, said.key_id, said.public_key) == (county.signer.name, new["key_id"], new["public_key"])
    assert old["endorsement"] is None


def test_a_key_whose_time_is_over_leaves_the_file_at_the_next_rotation(tmp_path):
    first = Signer.of_folder(tmp_path, NAME).public_key
    rotate(tmp_path, timedelta(0), now())
    second = Signer.of_folder(tmp_path, NAME).public_key
    rotate(tmp_path, WEEK, now())

    ring = [one.public_key for one in read_ring(tmp_path / KEY_FILE)]
    assert first not in ring
    assert ring[0] == second
    assert len(ring) == 2


def test_one_rotation_at_a_time(tmp_path):
    Signer.of_folder(tmp_path, NAME)
    rotate(tmp_path, WEEK, now())
    content = (tmp_path / KEY_FILE).read_bytes()

    with pytest.raises(Conflict, match="a rotation is in progress"):
        rotate(tmp_path, WEEK, now())
    assert (tmp_path / KEY_FILE).read_bytes() == content


@pytest.mark.parametrize("spoil", [
    lambda text: text.replace("signs-until:", "ends:"),
    lambda text: text.replace("signs-until: 2", "signs-until: x"),
    lambda text: text[text.index("-----END") + 25 :] + text[: text.index("-----END") + 25],
])  # fmt: skip
def test_a_key_file_that_was_edited_wrongly_is_refused(tmp_path, spoil):
    Signer.of_folder(tmp_path, NAME)
    rotate(tmp_path, WEEK, now())
    path = tmp_path / KEY_FILE
    path.write_text(spoil(path.read_text()))

    with pytest.raises(Broken, match="not a PEM private key"):
        read_ring(path)


def tongyuan(*arguments):
    return CliRunner(env={"COLUMNS": "200"}).invoke(app, list(map(str, arguments)), prog_name="tongyuan")


def test_the_command_rotates_where_the_key_is(tmp_path):
    Signer.of_folder(tmp_path, NAME)
    done = tongyuan("keys", "rotate", "--data-dir", tmp_path)

    assert done.exit_code == 0
    assert "signs from now on" in done.stdout
    assert len(read_ring(tmp_path / KEY_FILE)) == 2
    assert tongyuan("keys", "rotate", "--data-dir", tmp_path).exit_code == 1


def test_the_command_makes_no_key_where_there_is_none(tmp_path):
    assert tongyuan("keys", "rotate", "--data-dir", tmp_path).exit_code == 1
    assert tongyuan("keys", "rotate", "--data-dir", tmp_path / "nowhere").exit_code == 2
    assert not list(tmp_path.iterdir())


def test_times_of_heads_only_grow_even_when_the_clock_goes_back(county):
    county.execute("ledger", "UPDATE head SET time = '2099-01-01T00:00:00.000000Z'")
    times = [sign(county).time for _ in range(3)]

    assert times == sorted(set(times))
    assert times[0] > datetime(2099, 1, 1, tzinfo=UTC)
