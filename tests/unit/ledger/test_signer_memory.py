"""The signer never signs a second history, whatever is restored from a backup, and tells the operator why.

A database restored under the same key looks consistent by itself; the file beside the key shows the difference.
"""

import os
import shutil
from contextlib import closing
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY
from typer.testing import CliRunner

from services.cli.app import app
from services.cli.inspect import part_state
from services.ledger.signing.heads import sign_head
from services.ledger.signing.signed_head_store import MEMORY_FILE, SignedHeadStore, SignedTree, WouldFork
from services.ledger.signing.signer import Signer
from services.ledger.signing.signing_guard import PATIENCE_SECONDS, SigningGuard, Standby
from shared.errors import Unavailable
from shared.security import secret_files
from shared.transparency.merkle import EMPTY_ROOT, GrowingTiles, NoTiles, leaf_hash, tree_root
from tests.harness.pipeline import SERVICE, Pipeline, item


def county_of(folder):
    return closing(Pipeline(folder, channels=["web"]))


def keep(folder, name):
    """Copy the ledger's store, as a backup would have it; the county must be closed."""
    shutil.copyfile(folder / "ledger.db", folder / name)


def put_back(folder, name):
    for journal in folder.glob("ledger.db-*"):
        journal.unlink()
    shutil.copyfile(folder / name, folder / "ledger.db")


@pytest.fixture
def restored(tmp_path):
    """A ledger restored with two of the five entries that were signed; `newest` has all of them."""
    with county_of(tmp_path) as county:
        county.release(item(1))
        county.release(item(2))
        county.flow()
    keep(tmp_path, "older")
    with county_of(tmp_path) as county:
        for number in (3, 4, 5):
            county.release(item(number))
        county.flow()
    keep(tmp_path, "newest")
    put_back(tmp_path, "older")
    return tmp_path


def refuses(county):
    return county.get("ledger/v1/signer", SERVICE).json()["refuses"]


def remembered(folder):
    return (folder / MEMORY_FILE).read_text()


# ---- what is refused --------------------------------------------------------------------------------------------


def test_a_ledger_that_came_back_older_is_not_signed_and_takes_nothing(restored):
    before = remembered(restored)
    with county_of(restored) as county:
        county.release(item(6))
        head = county.ledger.head()
        with pytest.raises(WouldFork, match="the ledger has 2 entries, but 5 are signed"):
            county.standing.sign()
        for _ in range(2):
            with pytest.raises(WouldFork):
                county.intake.reconcile()
            with pytest.raises(Unavailable, match="2 entries, but 5 are signed"):
                county.flow()

        assert county.ledger.head() == head
        assert len(county.ledger.entries(0, 100)) == 2
    assert remembered(restored) == before


def test_the_operator_is_told_where_he_looks_and_how_it_goes_on(restored):
    with county_of(restored) as county:
        with pytest.raises(WouldFork) as refused:
            county.standing.sign()

        assert REGISTRY.get_sample_value("tongyuan_signer_refuses") == 1
        assert county.get("ledger/readyz").json()["signing"] is False
        assert county.get("ledger/v1/head").status_code == 200
        said = refuses(county)
        assert (said["size"], said["root"]) == (2, refused.value.tree.root.hex())
        assert county.get("ledger/v1/signer").status_code == 401
        lines = list(part_state.advice({"ledger": {"behind": 0, "refuses": said}}))
        assert "has signed and recorded nothing since" in lines[0]
        assert f"tongyuan keys accept 2 {said['root']}" in lines[3]
        assert part_state.is_bad({"behind": 0, "refuses": said})


def test_it_is_said_aloud_once_and_again_when_the_reason_changes(restored, capsys):
    with county_of(restored) as county:
        for _ in range(3):
            with pytest.raises(WouldFork):
                county.standing.sign()
        assert capsys.readouterr().out.count("signing refused: another history") == 1
        since = refuses(county)["since"]
        (restored / MEMORY_FILE).unlink()
        with pytest.raises(WouldFork):
            county.standing.sign()

        assert capsys.readouterr().out.count("signing refused: another history") == 1
        assert refuses(county)["since"] == since


def test_as_many_entries_and_more_of_another_history_are_not_signed_either(restored):
    before = remembered(restored)
    with county_of(restored) as county:
        for number in (7, 8, 9, 10):
            county.release(item(number))
        county.accept_ledger()
        county.intake.reconcile()
        assert len(county.ledger.entries(0, 100)) == 9
        (restored / MEMORY_FILE).write_text(before)
        with pytest.raises(WouldFork, match="the ledger's 9 entries do not continue the 5 that are signed"):
            county.standing.sign()


def test_without_a_memory_a_log_that_has_begun_is_not_signed(tmp_path):
    with county_of(tmp_path) as county:
        county.release(item(1))
        county.flow()
        (tmp_path / MEMORY_FILE).unlink()
        with pytest.raises(
            WouldFork, match=r"the ledger has signed heads, but .*ledger-signed, which records the last one, is missing"
        ):
            county.standing.sign()


def test_the_first_head_of_a_log_needs_no_memory(tmp_path):
    with county_of(tmp_path) as county:
        county.standing.sign()
        assert remembered(tmp_path).splitlines()[:2] == [county.settings.log_origin, "0"]
        county.release(item(1))
        county.flow()
        assert remembered(tmp_path).splitlines()[1] == "1"


@pytest.mark.parametrize("content", [
    b"", b"tongyuan/339921000000\n1\n", b"tongyuan/another\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
    b"tongyuan/339921000000\nmany\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n", b"\xff\xfe",
    b"tongyuan/339921000000\n-1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
    b"tongyuan/339921000000\n0\n47DEQpj8HBSa\n", b"tongyuan/339921000000\n0\n!\n",
])  # fmt: skip
def test_a_memory_that_cannot_be_read_is_not_taken_for_none(tmp_path, content):
    with county_of(tmp_path) as county:
        (tmp_path / MEMORY_FILE).write_bytes(content)
        with pytest.raises(WouldFork, match="cannot be read"):
            county.standing.sign()
        assert (tmp_path / MEMORY_FILE).read_bytes() == content


# ---- the ways out -----------------------------------------------------------------------------------------------


def test_a_newer_ledger_is_signed_again_by_itself_and_what_was_released_meanwhile_is_there(restored):
    with county_of(restored) as county:
        county.release(item(6))
        with pytest.raises(Unavailable, match="2 entries, but 5 are signed"):
            county.flow()
    put_back(restored, "newest")
    with county_of(restored) as county:
        county.flow()

        assert county.ledger.head().size == 6
        assert refuses(county) is None
        assert REGISTRY.get_sample_value("tongyuan_signer_refuses") == 0


def test_an_operator_accepts_what_status_names_and_it_goes_on_without_a_restart(restored):
    with county_of(restored) as county:
        county.release(item(6))
        with pytest.raises(WouldFork):
            county.standing.sign()
        before, said = remembered(restored), refuses(county)
        command = ["keys", "accept", str(said["size"]), said["root"], "--data-dir", str(restored)]
        done = CliRunner().invoke(app, command)
        assert done.exit_code == 0, done.output

        county.intake.reconcile()
        assert county.standing.sign().size == 6
        assert refuses(county) is None
        (kept,) = restored.glob("ledger-signed.replaced-*")
        assert kept.read_text() == before


@pytest.mark.parametrize(("size", "root", "reason"), [
    ("2", "00" * 32, "a different root for 2 entries"), ("1", "right", "a different root for 1 entries"),
    ("3", "right", "has 2 entries"),
])  # fmt: skip
def test_a_slip_of_the_pen_accepts_nothing(restored, size, root, reason):
    with county_of(restored) as county:
        with pytest.raises(WouldFork) as refused:
            county.standing.sign()
        before = remembered(restored)
        root = refused.value.tree.root.hex() if root == "right" else root
        done = CliRunner().invoke(app, ["keys", "accept", size, root, "--data-dir", str(restored)])
        assert done.exit_code == 1
        assert reason in done.stderr
        assert remembered(restored) == before
        with pytest.raises(WouldFork, match="2 entries, but 5 are signed"):
            county.standing.sign()


@pytest.mark.parametrize("arguments", [["2", "abc"], ["2", "AB" * 32], ["-1", "00" * 32], ["x", "00" * 32]])
def test_what_is_no_tree_is_refused_by_name_and_changes_nothing(restored, arguments):
    before = remembered(restored)
    done = CliRunner().invoke(app, ["keys", "accept", "--data-dir", str(restored), "--", *arguments])
    assert done.exit_code == 2
    assert remembered(restored) == before
    assert list(restored.glob("*.replaced-*")) == []


def test_where_there_is_no_key_nothing_can_be_accepted(tmp_path):
    done = CliRunner().invoke(app, ["keys", "accept", "2", "00" * 32, "--data-dir", str(tmp_path)])
    assert done.exit_code == 2
    assert list(tmp_path.iterdir()) == []


# ---- crashes, full disks, two processes -------------------------------------------------------------------------


class Killed(BaseException):
    """kill -9."""


def test_the_memory_is_on_the_disk_before_a_head_is_signed(tmp_path, monkeypatch):
    sign, synced = Signer.signature, []
    monkeypatch.setattr(secret_files.os, "fsync", lambda handle, sync=os.fsync: (synced.append(handle), sync(handle)))
    with county_of(tmp_path) as county:
        # A batch is signed in the transaction that records it; the file remembers each head.
        county.release(item(1))
        while sum(relay.step() for relay in county.relays):
            pass
        seen = []
        monkeypatch.setattr(
            Signer, "signature", lambda *them: (seen.append((remembered(tmp_path), len(synced))), sign(*them))[1]
        )
        synced.clear()
        county.standing.sign()
        assert seen
        assert {text.splitlines()[1] for text, _ in seen} == {"1"}
        assert all(count == 2 for _, count in seen)


def killed_before_the_head_is_out(folder, number):
    with county_of(folder) as county:
        county.release(item(number))
        while sum(relay.step() for relay in county.relays):
            pass
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Signer, "signature", killed)
            with pytest.raises(Killed):
                county.standing.sign()
        assert remembered(folder).splitlines()[1] == "2"
        assert county.ledger.head().size == 1


def killed(*_):
    raise Killed


def test_killed_between_remembering_and_publishing_the_same_head_is_signed_next(tmp_path):
    with county_of(tmp_path) as county:
        county.release(item(1))
        county.flow()
    killed_before_the_head_is_out(tmp_path, 2)

    with county_of(tmp_path) as county:
        assert county.standing.sign().size == 2
        assert refuses(county) is None


def test_killed_there_and_restored_older_nothing_is_signed_although_nobody_saw_that_head(tmp_path):
    with county_of(tmp_path) as county:
        county.release(item(1))
        county.flow()
    keep(tmp_path, "older")
    killed_before_the_head_is_out(tmp_path, 2)
    put_back(tmp_path, "older")

    with county_of(tmp_path) as county, pytest.raises(WouldFork, match="1 entries, but 2 are signed"):
        county.standing.sign()


def test_while_the_memory_cannot_be_written_nothing_is_signed_and_the_old_one_stays(tmp_path, monkeypatch):
    with county_of(tmp_path) as county:
        county.standing.sign()
        before = remembered(tmp_path)
        county.release(item(1))
        with monkeypatch.context() as patch:
            patch.setattr(secret_files.os, "fsync", no_space)
            with pytest.raises(Unavailable, match="ledger-signed: No space left"):
                county.flow()
        assert county.ledger.head().size == 0
        assert remembered(tmp_path) == before
        assert list(tmp_path.glob(".ledger-signed*")) == []
        county.flow()
        assert county.ledger.head().size == 1


def no_space(_handle):
    raise OSError(28, "No space left on device")


def test_a_head_that_says_nothing_new_costs_no_write(tmp_path):
    with county_of(tmp_path) as county:
        county.standing.sign()
        before = (tmp_path / MEMORY_FILE).stat()
        county.standing.sign()
        after = (tmp_path / MEMORY_FILE).stat()
        assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_a_sequencer_that_was_overtaken_looks_again_before_it_cries(tmp_path, monkeypatch):
    """It read the size and was suspended; another sequencer on the same volume signed more."""
    with county_of(tmp_path) as county:
        county.release(item(1))
        county.flow()
        memory = county.signer.memory
        advance, stale = memory.advance, [SignedTree(0, EMPTY_ROOT)]
        monkeypatch.setattr(
            memory, "advance", lambda tree, *more, **how: advance(stale.pop() if stale else tree, *more, **how)
        )
        assert county.standing.sign().size == 1
        assert stale == []
        assert refuses(county) is None


def standby_of(county, folder):
    """Return a second sequencer on its own machine: a copy of the key, the same database."""
    folder.mkdir()
    shutil.copyfile(county.settings.data_dir / "ledger-key.pem", folder / "ledger-key.pem")
    (folder / "ledger-key.pem").chmod(0o600)
    return Signer.of_folder(folder, county.signer.name)


def test_a_standby_learns_what_the_leader_signs_and_refuses_what_does_not_continue_it(tmp_path):
    with county_of(tmp_path) as county:
        county.release(item(1))
        county.flow()
    keep(tmp_path, "older")
    with county_of(tmp_path) as county:
        signer = standby_of(county, tmp_path / "standby")
        standby = Standby(county.dbs["ledger"], signer)
        standby.look()
        assert signer.memory.last() is None, "a head that was there before may be a restored one"
        county.release(item(2))
        county.flow()
        standby.look()
        assert signer.memory.last().size == 2
    put_back(tmp_path, "older")
    with county_of(tmp_path) as county, pytest.raises(WouldFork, match="1 entries, but 2 are signed"):
        sign_head(county.dbs["ledger"], signer)


def test_a_standby_believes_no_head_of_a_stranger(tmp_path):
    with county_of(tmp_path) as county:
        county.flow()
        signer = standby_of(county, tmp_path / "standby")
        standby = Standby(county.dbs["ledger"], signer)
        standby.look()
        county.release(item(1))
        county.flow()
        county.execute("ledger", "UPDATE head SET checkpoint = replace(checkpoint, '— ', '— x') WHERE size = 1")
        standby.look()
        assert signer.memory.last() is None


def test_what_cannot_be_signed_for_four_hours_is_not_recorded_either(tmp_path):
    now = [0.0]
    with county_of(tmp_path) as county:
        ours = SigningGuard(county.dbs["ledger"], county.signer, lambda: now[0])
        ours.sign()
        now[0] = PATIENCE_SECONDS
        ours.require()
        now[0] += 1
        with pytest.raises(Unavailable, match="four hours"):
            ours.require()
        ours.sign()
        ours.require()


# ---- any history ------------------------------------------------------------------------------------------------

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("grow"), st.integers(1, 300)),
        st.tuples(st.just("restore"), st.integers(0, 600)),
        st.tuples(st.just("sign"), st.just(0)),
        st.tuples(st.just("restart"), st.just(0)),
    ),
    max_size=14,
)


@given(steps=STEPS)
def test_whatever_is_restored_and_recorded_anew_all_that_is_signed_is_one_history(tmp_path_factory, steps):
    path = tmp_path_factory.mktemp("signer") / MEMORY_FILE
    memory, leaves, signed, drawn = SignedHeadStore("a", path), [], [], 0
    for verb, number in steps:
        if verb == "grow":
            leaves = leaves + [leaf_hash(b"%d" % (drawn + one)) for one in range(number)]
            drawn += number
        elif verb == "restore":
            leaves = leaves[:number]
        elif verb == "restart":
            memory = SignedHeadStore("a", path)
        else:
            tiles = tiles_of(leaves)
            continues = not signed or leaves[: len(signed[-1])] == signed[-1]
            try:
                memory.advance(SignedTree(len(leaves), tiles.root()), tiles, begun=bool(signed))
            except WouldFork:
                assert not continues, "what continues is signed"
            else:
                assert continues, "a fork is not"
                signed.append(leaves)
    for before, after in pairwise(signed):
        assert tree_root(tiles_of(after), len(before)) == tiles_of(before).root()


def tiles_of(leaves):
    tiles = GrowingTiles(NoTiles(), 0)
    for leaf in leaves:
        tiles.append(leaf)
    return tiles
