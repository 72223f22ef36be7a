"""No channel, signer or restore continues with another county's ledger, whatever an operator enters."""

import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from contracts.envelope.publication import Lane, Op
from services.channels.core.channel import Channel
from services.channels.core.port import adapters
from services.channels.recovery.bootstrap import starting_channel
from services.channels.recovery.rebuild import Rebuild
from services.channels.trust.ledger_keys import facts
from services.cli.app import app
from services.cli.inspect import part_state
from services.guides.following import ItemWatch
from services.ledger.log.intake import Intake
from services.ledger.signing.signed_head_store import MEMORY_FILE, WouldFork
from services.operations.archive.contents import BadArchive
from services.operations.backups.backup import backup
from services.runtime.local_readers import LocalSource
from services.runtime.wiring import Wiring
from shared.config import Settings, SettingsError
from shared.county.identity import Identity
from shared.errors import Broken, Unavailable
from shared.feeds.outbox import Draft, SourceFeed, emit
from shared.messaging.delivery import Message
from tests.harness.backups import put_back
from tests.harness.pipeline import REGION, Pipeline, code_of, item, pipeline

ELSEWHERE = "440233000000"
OURS = Identity(REGION, f"tongyuan/{REGION}", "云溪县", demo=False)
WEB = ["web"]


@pytest.fixture
def county(tmp_path: Path) -> Iterator[Pipeline]:
    """Ours: two items, shown by the web channel."""
    with pipeline(tmp_path / "ours", channels=WEB) as made:
        for number in (1, 2):
            made.release(item(number))
        made.flow()
        yield made


@pytest.fixture
def neighbour(tmp_path: Path) -> Iterator[Pipeline]:
    """Another county: another log, another key, three items."""
    with pipeline(tmp_path / "theirs", channels=WEB, origin=f"tongyuan/{ELSEWHERE}") as made:
        for number in (1, 2, 3):
            release_elsewhere(made, number)
        made.flow()
        yield made


def release_elsewhere(county: Pipeline, number: int) -> None:
    body = item(number).model_dump(mode="json")
    draft = Draft(f"item:{code_of(number)}", 1, Op.RELEASE, ELSEWHERE, body)
    with county.dbs["catalog"].write() as session:
        emit(session, "catalog", [draft])


def channel_of(county: Pipeline, ledger: Any, known: Identity = OURS) -> Channel:
    """Return the county's web channel, as a process runs it, with the given ledger."""
    return starting_channel(county.dbs["web"], adapters()["web"], ledger, county=known)


def documents(county: Pipeline) -> list[Any]:
    return list(county.execute("web", "SELECT key, version, content FROM document ORDER BY key"))


def refused(county: Pipeline) -> Any:
    with county.dbs["web"].read() as session:
        return facts(session)["refused"]


# channels


def test_a_channel_that_sees_a_foreign_ledger_first_trusts_none_of_its_keys(
    tmp_path: Path, neighbour: Pipeline
) -> None:
    with pipeline(tmp_path / "new", channels=WEB) as empty:
        channel = channel_of(empty, neighbour.ledger)
        with pytest.raises(Unavailable, match="cannot be trusted"):
            channel.reconcile()
        assert channel.position() == 0
        reason = refused(empty)["reason"]
        assert f"the log tongyuan/{ELSEWHERE}" in reason
        assert f"this county's log is tongyuan/{REGION}" in reason


def test_a_rebuild_under_a_new_epoch_takes_no_ledger_that_another_key_signs(
    county: Pipeline, neighbour: Pipeline
) -> None:
    before = documents(county)
    with pytest.raises(Broken, match="known key"):
        list(Rebuild(channel_of(county, neighbour.ledger), new_epoch=True).run())
    assert documents(county) == before


def test_not_even_an_empty_one(county: Pipeline, tmp_path: Path) -> None:
    before = documents(county)
    with pipeline(tmp_path / "empty", channels=WEB, origin=f"tongyuan/{ELSEWHERE}") as empty:
        empty.standing.sign()
        with pytest.raises(Broken):
            list(Rebuild(channel_of(county, empty.ledger), new_epoch=True).run())
    assert documents(county) == before


def test_entries_of_another_region_are_not_taken_though_our_own_key_signs_them(county: Pipeline) -> None:
    """As after the sequencer was started with another county's database."""
    before = documents(county)
    release_elsewhere(county, 3)
    county.intake.reconcile()
    county.standing.sign()
    with pytest.raises(Broken, match=f"entry 3 belongs to {ELSEWHERE}, but this channel belongs to {REGION} 云溪县"):
        list(Rebuild(channel_of(county, county.ledger), new_epoch=True).run())
    assert documents(county) == before


def test_a_rebuild_under_a_new_epoch_takes_the_countys_own_ledger(county: Pipeline) -> None:
    *_, done = Rebuild(channel_of(county, county.ledger), new_epoch=True).run()
    assert done.done
    assert done.differences == []


def test_a_key_of_another_log_in_the_settings_stops_the_start(tmp_path: Path, neighbour: Pipeline) -> None:
    (key,) = [neighbour.signer.note_key(one).vkey for one in neighbour.signer.ring()]
    with (
        closing(Wiring(Settings(data_dir=tmp_path, ledger_keys=key))) as wiring,
        pytest.raises(SettingsError, match=f"TONGYUAN_LEDGER_KEYS: a key of the log tongyuan/{ELSEWHERE}"),
    ):
        wiring.channel("web", neighbour.ledger)


def test_guides_are_not_hidden_by_what_another_county_withdraws(county: Pipeline, neighbour: Pipeline) -> None:
    watch = ItemWatch(county.guides, neighbour.ledger, f"tongyuan/{REGION}")
    with pytest.raises(Broken, match=f"the ledger is the log tongyuan/{ELSEWHERE}"):
        watch.reconcile()
    refusals = watch.take(neighbour.ledger_messages())
    assert len(refusals) == 3
    assert ItemWatch(county.guides, county.ledger, f"tongyuan/{REGION}").reconcile() == 0


# the ledger's sources


def intake_of(county: Pipeline, source: Pipeline) -> Intake:
    readers = {name: LocalSource(source.dbs[name], name) for name in ("catalog",)}
    return Intake(county.dbs["ledger"], readers, county.signer, region=REGION)


def test_the_ledger_takes_nothing_from_another_countys_source(county: Pipeline, neighbour: Pipeline) -> None:
    before = county.ledger.head().size
    assert intake_of(county, neighbour).reconcile() == 0
    assert len(county.ledger.entries(0, 100)) == before


def test_a_message_of_another_region_is_refused_with_both_regions(county: Pipeline, neighbour: Pipeline) -> None:
    messages: list[Message] = SourceFeed("catalog", Lane.LIVE).messages(neighbour.dbs["catalog"], 2, 1)
    (refusal,) = intake_of(county, county).take(messages)
    assert ELSEWHERE in refusal.reason
    assert REGION in refusal.reason
    assert len(county.ledger.entries(0, 100)) == 2


# the signer


@pytest.fixture
def swapped(tmp_path: Path) -> Path:
    """Our data folder with another county's ledger, which its signer refuses."""
    for name, settings in (("ours", {}), ("theirs", {"origin": f"tongyuan/{ELSEWHERE}"})):
        with pipeline(tmp_path / name, channels=WEB, **settings) as made:
            release_elsewhere(made, 1) if settings else made.release(item(1))
            made.flow()
    shutil.copyfile(tmp_path / "theirs" / "ledger.db", tmp_path / "ours" / "ledger.db")
    with pipeline(tmp_path / "ours", channels=WEB) as county, pytest.raises(WouldFork):
        county.standing.sign()
    return tmp_path / "ours"


def accept(folder: Path, size: int, root: str, **env: str) -> Any:
    return CliRunner(env=env).invoke(app, ["keys", "accept", str(size), root, "--data-dir", str(folder)])


def refusal_of(folder: Path) -> tuple[int, str]:
    with pipeline(folder, channels=WEB) as county:
        ((size, root),) = county.execute("ledger", "SELECT size, root FROM signer_refusal")
        return size, root


def test_an_operator_who_types_what_status_says_accepts_no_foreign_ledger(swapped: Path) -> None:
    before = (swapped / MEMORY_FILE).read_bytes()
    done = accept(swapped, *refusal_of(swapped))
    assert done.exit_code == 2
    assert f"belongs to {ELSEWHERE}, not {REGION} 云溪县" in done.stderr
    assert (swapped / MEMORY_FILE).read_bytes() == before
    assert list(swapped.glob("*.replaced-*")) == []


def test_the_word_of_a_store_does_not_hide_what_it_holds(swapped: Path) -> None:
    with pipeline(swapped, channels=WEB) as county:
        statement = "INSERT INTO identity VALUES (1, :region, :origin, NULL, false, '', '')"
        county.execute("ledger", statement, region=REGION, origin=f"tongyuan/{REGION}")
    assert accept(swapped, *refusal_of(swapped)).exit_code == 2


def test_one_entry_of_another_region_is_enough_to_be_refused(tmp_path: Path) -> None:
    with pipeline(tmp_path, channels=WEB) as county:
        county.release(item(1))
        release_elsewhere(county, 2)
        county.flow()
        (tmp_path / MEMORY_FILE).unlink()
        with pytest.raises(WouldFork):
            county.standing.sign()
    done = accept(tmp_path, *refusal_of(tmp_path))
    assert done.exit_code == 2
    assert "entry 2 of the ledger is not of" in done.stderr


def test_with_another_region_in_the_settings_our_own_ledger_is_not_accepted_either(tmp_path: Path) -> None:
    with pipeline(tmp_path, channels=WEB) as county:
        county.release(item(1))
        county.flow()
        (tmp_path / MEMORY_FILE).unlink()
        with pytest.raises(WouldFork):
            county.standing.sign()
    size, root = refusal_of(tmp_path)
    assert accept(tmp_path, size, root, TONGYUAN_REGION=ELSEWHERE).exit_code == 2
    assert accept(tmp_path, size, root).exit_code == 0


def test_a_key_that_has_signed_for_another_log_is_told_apart_from_a_damaged_file(tmp_path: Path) -> None:
    with pipeline(tmp_path, channels=WEB) as county:
        county.release(item(1))
        county.flow()
        memory = (tmp_path / MEMORY_FILE).read_text()
        (tmp_path / MEMORY_FILE).write_text(memory.replace(REGION, ELSEWHERE))
        with pytest.raises(
            WouldFork, match=f"it belongs to the log tongyuan/{ELSEWHERE}, but this is tongyuan/{REGION}"
        ):
            county.standing.sign()
    size, root = refusal_of(tmp_path)
    done = accept(tmp_path, size, root)
    assert done.exit_code == 1
    assert "nothing was changed" in done.stderr
    (tmp_path / MEMORY_FILE).write_text("damaged")
    assert accept(tmp_path, size, root).exit_code == 0


def test_a_key_is_not_rotated_under_another_countys_name(tmp_path: Path) -> None:
    with pipeline(tmp_path, channels=WEB) as county:
        county.flow()
    before = (tmp_path / "ledger-key.pem").read_bytes()
    rotate = ["keys", "rotate", "--data-dir", str(tmp_path)]
    done = CliRunner(env={"TONGYUAN_REGION": ELSEWHERE}).invoke(app, rotate)
    assert done.exit_code == 1
    assert f"it belongs to the log tongyuan/{REGION}, but this is tongyuan/{ELSEWHERE}" in done.stderr
    assert (tmp_path / "ledger-key.pem").read_bytes() == before
    assert CliRunner().invoke(app, rotate).exit_code == 0


def test_where_the_ledger_cannot_be_read_nothing_is_accepted(tmp_path: Path) -> None:
    with pipeline(tmp_path, channels=WEB) as county:
        county.flow()
    (tmp_path / "ledger.db").unlink()
    done = accept(tmp_path, 0, "00" * 32)
    assert done.exit_code == 1
    assert "nobody can tell" in done.stderr


def test_what_status_advises_begins_with_whose_ledger_it_is() -> None:
    signer = {"behind": 0, "refuses": {"since": "now", "reason": "less", "size": 2, "root": "ab"}}
    halted = {"behind": 0, "halted": {"since": "now", "reason": "less"}}
    for part in (signer, halted):
        _, first, *rest = part_state.advice({"ledger": part})
        assert "`tongyuan doctor` shows which county the ledger belongs to" in first
        assert any("accept" in line or "--new-epoch" in line for line in rest)


# restore


def test_a_backup_with_another_countys_store_in_it_is_not_restored(tmp_path: Path) -> None:
    for name, settings in (("ours", {}), ("theirs", {"origin": f"tongyuan/{ELSEWHERE}"})):
        with pipeline(tmp_path / name, **settings) as made:
            release_elsewhere(made, 1) if settings else made.release(item(1))
            made.flow()
    made_of = Settings(data_dir=tmp_path / "ours", region=REGION)
    theirs = Settings(data_dir=tmp_path / "theirs", region=REGION, origin=f"tongyuan/{ELSEWHERE}")
    shutil.copyfile(tmp_path / "theirs" / "catalog.db", tmp_path / "ours" / "catalog.db")
    for settings in (made_of, theirs):
        with pytest.raises(SettingsError, match=f"the store of [a-z]+ belongs to {ELSEWHERE}, not {REGION}"):
            backup(settings, tmp_path / "mixed.tar.gz", lambda *_: None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("services.operations.backups.backup.require_own", lambda *_: None)
        done = backup(made_of, tmp_path / "mixed.backup", lambda *_: None)
    target = made_of.model_copy(update={"data_dir": tmp_path / "target"})
    with pytest.raises(BadArchive, match=f"catalog belongs to {ELSEWHERE}, not {REGION}"):
        put_back(target, done.file, key=done.key)
    assert sorted(path.name for path in target.data_dir.iterdir()) == ["lock"]


def test_a_backup_of_another_log_of_the_same_region_is_not_restored(county: Pipeline, tmp_path: Path) -> None:
    with pipeline(tmp_path / "old") as made:
        made.release(item(1))
        made.flow()
    settings = Settings(data_dir=tmp_path / "old", region=REGION)
    done = backup(settings, tmp_path / "old.backup", lambda *_: None)
    renamed = settings.model_copy(update={"data_dir": tmp_path / "target", "origin": "another.example/log"})
    with pytest.raises(BadArchive, match=f"the log tongyuan/{REGION}, but the settings name another.example/log"):
        put_back(renamed, done.file, key=done.key)


def test_a_county_is_told_by_region_and_log_whatever_its_name() -> None:
    assert replace(OURS, county=None).title == REGION
