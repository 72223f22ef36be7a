"""The data folder is accessible to its owner only, also one that an earlier version created."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from services.cli.inspect import problems
from services.operations.backups.file_swap import locked
from services.runtime.embedded import Embedded
from services.runtime.manifests import SERVICES
from shared.config import Settings
from shared.database.engine import Database
from shared.errors import SettingsError
from shared.security.data_folder import loose, tighten

OTHERS_MAY_READ = 0o022
"""The umask that most machines start with."""


@pytest.fixture(autouse=True)
def usual_umask():
    before = os.umask(OTHERS_MAY_READ)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def test_a_store_and_its_journals_are_ours_alone_whatever_the_umask(tmp_path):
    folder = tmp_path / "data"
    db = Database("web", f"sqlite:///{folder}/web.db")
    assert not folder.joinpath("web.db").exists(), "to name a store is not to make it"
    with db.write() as session:
        session.connection().exec_driver_sql("CREATE TABLE t (x)")
    with db.read() as session:
        session.connection().exec_driver_sql("SELECT * FROM t")
        assert {path.name: mode(path) for path in folder.iterdir()} == {
            "web.db": 0o600,
            "web.db-wal": 0o600,
            "web.db-shm": 0o600,
        }
    db.close()
    assert mode(folder) == 0o700


LOOK = (
    "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('SELECT count(*) FROM t').fetchone(); c.close()"
)


def test_connections_that_come_and_go_keep_a_store_from_being_taken_for_one_left_behind(tmp_path):
    """Another process that reads it and closes must not remove the journal of a running county."""
    db = Database("web", f"sqlite:///{tmp_path}/web.db")
    with db.write() as session:
        session.connection().exec_driver_sql("CREATE TABLE t (x)")
    kept = db.engine.connect()
    journal = (tmp_path / "web.db-wal").stat().st_ino
    again = Database("web", f"sqlite:///{tmp_path}/web.db")
    with again.read() as session:
        session.connection().exec_driver_sql("SELECT * FROM t")
    tighten(tmp_path)

    subprocess.run([sys.executable, "-c", LOOK, tmp_path / "web.db"], check=True)
    assert (tmp_path / "web.db-wal").stat().st_ino == journal
    with db.write() as session:
        session.connection().exec_driver_sql("INSERT INTO t VALUES (1)")
    subprocess.run([sys.executable, "-c", LOOK, tmp_path / "web.db"], check=True)
    kept.close()
    again.close()
    db.close()


def test_what_an_earlier_version_left_open_is_closed_and_told_in_one_line(tmp_path):
    folder = tmp_path / "data"
    aside = folder / "replaced-20260101t000000z"
    aside.mkdir(parents=True)
    for path in (folder / "web.db", folder / "web.db-wal", folder / "address", aside / "ledger.db"):
        path.write_text("")
    (folder / "service-token").touch(mode=0o600)

    tightened = tighten(folder)
    (line,) = tightened.lines(folder)
    assert (tightened.files, tightened.folders, tightened.refused) == (4, 2, ())
    assert "4 files and 2 folders were open to other users" in line
    assert list(loose(folder)) == []
    assert list(tighten(folder).lines(folder)) == [], "the second time there is nothing to tell"


def test_an_embedded_county_closes_the_folder_that_it_starts_on(tmp_path):
    folder = tmp_path / "data"
    settings = Settings(data_dir=folder, region="339921000000")
    Embedded(settings).close()
    for path in (folder, *folder.iterdir()):
        path.chmod(0o755 if path.is_dir() else 0o600 if path.suffix != ".db" else 0o644)

    county = Embedded(settings)
    try:
        assert (county.tightened.files, county.tightened.folders) == (len(SERVICES), 1)
        assert list(loose(folder)) == []
    finally:
        county.close()


def test_a_key_that_somebody_has_opened_is_not_closed_in_silence(tmp_path):
    (tmp_path / "admin-token").write_text("known to others by now")
    assert tighten(tmp_path).files == 0
    assert [path.name for path in loose(tmp_path)] == ["admin-token"]
    assert list(problems.of_rights(tmp_path)) == [f"{tmp_path}/admin-token can be read by others: chmod 600"]


def test_a_link_is_not_followed(tmp_path):
    outside = tmp_path / "outside"
    outside.write_text("somebody else's")
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    (folder / "web.db").symlink_to(outside)
    (folder / "replaced-x").symlink_to(tmp_path)

    tighten(folder)
    assert mode(outside) == 0o644


def test_what_is_not_ours_to_change_is_named_and_stops_nothing(tmp_path, monkeypatch):
    (tmp_path / "web.db").write_text("")
    (tmp_path / "kiosk.db").write_text("")

    def refused(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "chmod", refused)
    tightened = tighten(tmp_path)
    (line,) = tightened.lines(tmp_path)
    assert tightened.refused == (tmp_path / "kiosk.db", tmp_path / "web.db")
    assert line.startswith(f"{tmp_path}/kiosk.db and 1 more: open to other users and owned by another user")
    (problem,) = problems.of_rights(tmp_path)
    assert problem.startswith(f"2 files or folders of {tmp_path} can be read by others, such as kiosk.db: let")


def test_a_folder_of_every_user_is_no_data_folder(tmp_path):
    shared = tmp_path / "tmp"
    shared.mkdir()
    shared.chmod(0o1777)
    with pytest.raises(SettingsError, match=r"TONGYUAN_DATA_DIR: every user may write to .*: use a separate folder"):
        Embedded(Settings(data_dir=shared, region="339921000000"))
    with pytest.raises(SettingsError, match="TONGYUAN_DATA_DIR"), locked(shared):
        pass
    assert (list(shared.iterdir()), mode(shared)) == ([], 0o1777 & 0o777 | 0o1000)
