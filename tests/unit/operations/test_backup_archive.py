"""The backup file: anything cut off, altered, added or left out is named, and trying it changes nothing."""

import gzip
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from contracts.envelope.publication import Kind
from services.cli.app import app
from services.ledger.signing.signed_head_store import MEMORY_FILE, SignedHeadStore, WouldFork
from services.operations.archive.contents import BadArchive
from services.operations.archive.key import parse_keys
from services.operations.archive.signed_file import check, read_manifest
from services.operations.backups import backup as backups
from services.operations.backups.backup import NEEDED, backup
from services.operations.backups.file_swap import STAGED, locked, resume_restore
from services.runtime.settings import CountySettings
from shared.errors import Conflict, NotFound, TongyuanError
from tests.harness import backups as harness
from tests.harness.backups import contents, silent
from tests.harness.pipeline import code_of, guide, item, pipeline, progress

REGION = "339921000000"


def settings_of(folder, **more):
    return CountySettings(data_dir=folder, region=REGION, **more)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A county with an item, a guide and a case, and its backup."""
    folder = tmp_path_factory.mktemp("county")
    with pipeline(folder) as county:
        county.release(item(1))
        county.release(guide(1))
        county.release_case(progress())
        county.release(item(2))
        county.flow()
    (folder / "admin-token").write_text("a-token")
    (folder / "admin-token").chmod(0o600)
    return backup(settings_of(folder), folder / "county.backup", silent)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "data"


def put_back(made, folder, file=None, only=(), **consent):
    return harness.put_back(settings_of(folder), file or made.file, only, made.key, **consent)


def changed(made, path, change):
    return harness.changed(made.file, path, change, made.file.parent)


def files(folder):
    """Return everything that a failed restore must leave unchanged; the lock is an empty file."""
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.name != "lock"}


def test_what_comes_back_is_what_was_there(made, folder):
    done = put_back(made, folder)

    assert (done.notes, done.kept) == ([], "")
    assert done.manifest.marks["ledger"] == 4 == done.manifest.head.size
    with pipeline(folder) as county:
        county.flow()
        assert county.get(f"web/v1/items/{code_of(1)}").json()["source"]["version"] == 1
        assert county.get("web/v1/source").json()["digests"]["counts"] == {"application": 1, "guide": 1, "item": 2}
        assert all(county.rebuild(name).differences == [] for name in county.channels)


def test_secrets_are_for_us_alone_in_the_archive_and_out_of_it(made, folder):
    put_back(made, folder)

    assert made.file.stat().st_mode & 0o777 == 0o600
    assert {name: (folder / name).stat().st_mode & 0o777 for name in ("ledger-key.pem", "admin-token")} == {
        "ledger-key.pem": 0o600,
        "admin-token": 0o600,
    }
    assert (folder / "ledger-key.pem").read_bytes() == (made.file.parent / "ledger-key.pem").read_bytes()


def test_screens_start_over_after_a_restore(made, folder):
    with pipeline(made.file.parent) as county:
        cursor = county.get("web/v1/changes").json()["cursor"]
    put_back(made, folder)
    with pipeline(folder) as county:
        assert county.get("web/v1/changes", since=cursor).status_code == 410


def test_a_county_is_replaced_only_when_told_to_and_kept_aside(made, folder):
    put_back(made, folder)
    with pipeline(folder) as county:
        county.release(item(7))
        county.flow()
    before = files(folder)
    with pytest.raises(Conflict, match="--force"):
        put_back(made, folder)
    assert files(folder) == before

    with pytest.raises(Conflict, match="set this county back: 5 entries are signed here, but the backup has 4; ledger"):
        put_back(made, folder, force=True)
    assert files(folder) == before

    done = put_back(made, folder, force=True, set_back=True)
    with pipeline(folder) as county:
        assert county.get(f"web/v1/items/{code_of(7)}").status_code == 404
    aside = Path(done.kept)
    assert aside.parent == folder
    with pipeline(aside) as county:
        assert county.get(f"web/v1/items/{code_of(7)}").status_code == 200


def test_a_part_alone_is_restored_and_the_operator_is_told_who_is_ahead_of_it(made, folder):
    put_back(made, folder)
    with pipeline(folder) as county:
        county.release(item(7))
        county.flow()
    with pytest.raises(Conflict, match="ledger is at 5 here but at 4 in the backup"):
        put_back(made, folder, only=["ledger"], force=True)
    done = put_back(made, folder, only=["ledger"], force=True, set_back=True)

    assert len(done.notes) == 5
    assert all(
        f"{name} has applied 5 entries, but the ledger has 4" in " ".join(done.notes) for name in backups.CHANNELS
    )
    assert "the signer here has signed 5 entries, but the backup's newest head covers 4" in done.notes[-1]
    size, root = re.search(r"tongyuan keys accept (\d+) ([0-9a-f]{64})`", done.notes[-1]).groups()
    assert CliRunner().invoke(app, ["keys", "accept", size, root, "--data-dir", str(folder)]).exit_code == 0
    parts = ["catalog", "web", "mobile", "kiosk", "portal"]
    done = put_back(made, folder, only=parts, force=True, set_back=True)
    assert done.notes == []
    with pipeline(folder) as county:
        county.release(item(8))
        county.flow()
    (note,) = put_back(made, folder, only=parts, force=True, set_back=True).notes
    assert "the ledger has 3 releases of catalog/live, but the source has 2" in note


@pytest.mark.parametrize(("spoil", "reason"), [
    (lambda parts: {name: parts[name] for name in reversed(parts)}, "does not begin with manifest.json"),
    (lambda parts: parts | {"manifest.json": b"{}"}, "manifest.json: format|manifest.json: made_at"),
    (lambda parts: parts | {"manifest.json": parts["manifest.json"].replace(b'"format": 2', b'"format": 3')}, "format"),
    (lambda parts: parts | {"manifest.json": of_another_county(parts)}, "another county"),
    (lambda parts: parts | {"stores/web.db": parts["stores/web.db"][:-1]}, "stores/web.db: has"),
    (lambda parts: parts | {"stores/web.db": flipped(parts["stores/web.db"])}, "stores/web.db: its content"),
    (lambda parts: parts | {"stores/../../evil": b"x"}, "which its manifest does not name"),
    (lambda parts: {name: parts[name] for name in parts if name != "stores/kiosk.db"}, "stores/kiosk.db is missing"),
], ids=["order", "empty", "format", "region", "cut", "altered", "added", "missing"])  # fmt: skip
def test_an_altered_archive_is_refused_by_name_and_changes_nothing(made, folder, tmp_path, spoil, reason):
    put_back(made, folder)
    before = files(folder)
    bad = changed(made, tmp_path / "bad.backup", spoil)

    with pytest.raises(BadArchive, match=reason):
        put_back(made, folder, bad, force=True)
    assert files(folder) == before


def of_another_county(parts):
    return parts["manifest.json"].replace(b"339921", b"440232")


def flipped(content):
    return content[:5000] + bytes([content[5000] ^ 1]) + content[5001:]


def test_the_signers_memory_is_in_no_backup_and_a_new_machine_takes_the_backups_head_for_the_last(made, folder):
    assert not [name for name in contents(made.file) if MEMORY_FILE in name]
    put_back(made, folder)

    assert SignedHeadStore(f"tongyuan/{REGION}", folder / MEMORY_FILE).last().size == made.manifest.head.size
    with pipeline(folder, channels=["web"]) as county:
        county.release(item(7))
        county.flow()
        assert county.ledger.head().size == made.manifest.head.size + 1


def test_a_county_put_back_over_a_newer_one_is_refused_by_its_signer_and_restore_says_so(made, folder):
    put_back(made, folder)
    with pipeline(folder, channels=["web"]) as county:
        county.release(item(7))
        county.flow()
    before = (folder / MEMORY_FILE).read_bytes()
    (note,) = put_back(made, folder, force=True, set_back=True).notes

    assert "it will sign and record nothing until" in note
    assert (folder / MEMORY_FILE).read_bytes() == before
    with pipeline(folder, channels=["web"]) as county, pytest.raises(WouldFork):
        county.standing.sign()


NO_ARCHIVES = {"empty": b"", "text": b"no", "no tar": gzip.compress(b"no tar"), "zeros": gzip.compress(b"\0" * 5000)}


@pytest.mark.parametrize("content", NO_ARCHIVES.values(), ids=NO_ARCHIVES)
def test_what_is_no_archive_is_refused(folder, tmp_path, made, content):
    bad = tmp_path / "bad.backup"
    bad.write_bytes(content)
    with pytest.raises(BadArchive, match=r"bad\.backup"):
        put_back(made, folder, bad)
    assert files(folder) == {}


def test_a_ledger_that_does_not_add_up_is_refused(made, tmp_path, folder):
    with pipeline(made.file.parent) as county:
        ((meta,),) = county.execute("ledger", "SELECT meta FROM entry WHERE position = 2")
        put = "UPDATE entry SET meta = :meta WHERE position = 2"
        county.execute("ledger", put, meta=meta.replace('"version":1', '"version":9'))
        try:
            forged = backup(settings_of(made.file.parent), tmp_path / "forged.backup", silent)
        finally:
            county.execute("ledger", put, meta=meta)

    with pytest.raises(BadArchive, match="yield a different root from the head of size 4"):
        put_back(forged, folder, forged.file)
    assert files(folder) == {}


def test_a_restore_that_is_interrupted_is_carried_through_by_the_next_start(made, folder, monkeypatch):
    put_back(made, folder)
    moved = []
    whole = Path.replace

    def dies(path, target):
        moved.append(path.name)
        if len(moved) == 7:
            raise KeyboardInterrupt
        return whole(path, target)

    monkeypatch.setattr(Path, "replace", dies)
    with pytest.raises(KeyboardInterrupt):
        put_back(made, folder, force=True)
    monkeypatch.undo()
    assert (folder / STAGED).is_dir()
    assert not all((folder / f"{service}.db").exists() for service in NEEDED)

    resume_restore(folder)
    assert not (folder / STAGED).exists()
    with pipeline(folder) as county:
        county.flow()
        assert all(county.rebuild(name).differences == [] for name in county.channels)


def test_a_running_county_is_not_restored_over(made, folder):
    put_back(made, folder)
    with locked(folder), pytest.raises(Conflict, match="stop it first"):
        put_back(made, folder, force=True)


def test_no_county_no_backup(tmp_path):
    with pytest.raises(NotFound, match=r"there is no .*\.db"):
        backup(settings_of(tmp_path), tmp_path / "x.backup", silent)
    assert list(tmp_path.iterdir()) == []


def test_stores_of_both_kinds_are_refused_with_the_setting_that_is_missing(made):
    with pytest.raises(TongyuanError, match=r"TONGYUAN_\w+_DATABASE_URL is not set"):
        backup(settings_of(made.file.parent, ledger_database_url="postgresql://nowhere/x"), made.file, silent)


def test_a_backup_while_the_county_works_has_no_channel_ahead_and_no_ledger_ahead(tmp_path):
    """The county works on between the copies of any two stores."""
    with pipeline(tmp_path) as county:
        county.release(item(0))
        county.flow()
        numbers = iter(range(1, 100))

        def meanwhile(_what, _number):
            county.release(item(next(numbers)))
            county.release_case(progress(), project_no=f"37-2020-{next(numbers)}")
            county.flow()

        done = backup(settings_of(tmp_path), tmp_path / "live.backup", meanwhile)
    marks = done.manifest.marks
    assert done.notes == []
    assert max(marks[name] for name in backups.CHANNELS) < marks["ledger"]
    assert marks["ledger<catalog/live"] < marks["catalog/live"]

    put_back(done, tmp_path / "data")
    with pipeline(tmp_path / "data") as county:
        county.intake.reconcile()
        county.flow()
        assert all(county.rebuild(name).differences == [] for name in county.channels)
        assert county.get("web/v1/source").json()["digests"]["counts"][Kind.ITEM] == marks["catalog/live"]


def test_what_was_deleted_from_a_store_is_not_in_its_backup(tmp_path):
    with pipeline(tmp_path) as county:
        county.release(item(1, "名称甲乙丙丁戊己庚辛" * 90))
        county.flow()
        county.execute("ledger", "UPDATE entry SET body = NULL")
        for name in ("catalog", *county.channels):
            for table in ("document", "aside", "search") if name != "catalog" else ("release", "edition"):
                county.execute(name, f"DELETE FROM {table}")
        county.execute("catalog", "DROP TRIGGER audit_log_no_delete")
        county.execute("catalog", "DELETE FROM audit_log")
        done = backup(settings_of(tmp_path), tmp_path / "x.backup", silent)

    assert not any("名称甲乙".encode() in content for content in contents(done.file).values())


def test_the_manifest_can_be_read_alone(made):
    manifest = read_manifest(check(made.file, parse_keys(made.key)))
    assert (manifest.mode, manifest.region) == ("sqlite", REGION)
    assert manifest.stores.keys() == set(NEEDED)
    assert made.file.stat().st_size < sum(part.size for part in manifest.parts.values())
