"""What an operator can put right is one sentence with file, setting and remedy; a bug of ours keeps its traceback."""

import errno
import os
import socket
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from typer.testing import CliRunner

from services.cli import terminal
from services.cli.app import app
from services.runtime import process
from shared import probe
from shared.database import driver_errors
from shared.database.engine import Database
from shared.errors import DamagedStore, Invalid, SettingsError, Unavailable, Violation
from shared.failures import exit_code, sentence
from shared.web.server.process import listen
from shared.web.worker_http import serve_health


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    made = Database("web", f"sqlite:///{tmp_path}/web.db")
    with made.write() as session:
        session.connection().execute(text("CREATE TABLE document (content TEXT)"))
    yield made
    made.close()


def grow(db: Database) -> None:
    with db.write() as session:
        session.connection().execute(text("PRAGMA max_page_count = 3"))
        session.connection().execute(text("INSERT INTO document VALUES (zeroblob(1000000))"))


def test_a_full_disk_is_told_with_file_folder_and_setting(db: Database, tmp_path: Path) -> None:
    with pytest.raises(Unavailable) as told:
        grow(db)
    said = sentence(told.value) or ""
    assert said.startswith(f"{tmp_path}/web.db: the disk under {tmp_path} is full")
    assert "TONGYUAN_DATA_DIR" in said
    assert "zeroblob" not in said


def test_an_input_output_error_on_a_full_disk_is_called_a_full_disk(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR_WRITE
    url = f"sqlite:///{tmp_path}/web.db"
    assert "full" not in raised(error, url)
    monkeypatch.setattr(driver_errors, "FULL_BYTES", 2**62)
    assert "is full" in raised(error, url)


def raised(error: Exception, url: str) -> str:
    with pytest.raises(Unavailable) as told, driver_errors.as_ours(url):
        raise ProgrammingError("SELECT 1", {}, error)
    return str(told.value)


@pytest.mark.parametrize("code", [sqlite3.SQLITE_CANTOPEN_ISDIR, sqlite3.SQLITE_READONLY_DBMOVED, sqlite3.SQLITE_PERM])
def test_a_missing_right_is_told_with_file_and_account(code: int, tmp_path: Path) -> None:
    error = sqlite3.OperationalError("unable to open database file")
    error.sqlite_errorcode = code
    said = raised(error, f"sqlite:///{tmp_path}/web.db")
    assert f"{tmp_path}/web.db" in said
    assert f"uid {os.getuid()}" in said
    assert "TONGYUAN_DATA_DIR" in said


@pytest.mark.parametrize("act", [lambda db: db.ping(), lambda db: db.migrate("channels"), grow])
def test_a_file_that_is_no_database_is_damaged_however_it_is_used(
    tmp_path: Path, act: Callable[[Database], None]
) -> None:
    (tmp_path / "web.db").write_bytes(b"no database" * 1000)
    db = Database("web", f"sqlite:///{tmp_path}/web.db")
    with pytest.raises(DamagedStore) as told:
        act(db)
    db.close()
    assert f"{tmp_path}/web.db is damaged" in str(told.value)
    assert "docs/operating/one-store.md" in str(told.value)


def test_a_taken_port_is_told_with_its_setting() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(Unavailable) as of_http:
            listen("127.0.0.1", port).listen()
        with pytest.raises(Unavailable) as of_worker:
            serve_health("web", "127.0.0.1", port, lambda: None)
    assert f"127.0.0.1:{port}" in str(of_http.value)
    assert "TONGYUAN_PORT" in str(of_http.value)
    assert "TONGYUAN_METRICS_PORT" in str(of_worker.value)


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.EACCES, "the account that runs this"),
        (errno.EPERM, "the account that runs this"),
        (errno.ENOSPC, "free space on its disk"),
        (errno.EDQUOT, "free space on its disk"),
        (errno.EROFS, "mounted read-only"),
        (errno.ENOENT, "check the path"),
        (errno.EIO, "/data/key.pem"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_what_to_do(number: int, words: str) -> None:
    said = sentence(OSError(number, os.strerror(number), "/data/key.pem")) or ""
    assert said.startswith(f"/data/key.pem: {os.strerror(number)}")
    assert words in said


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (psycopg.errors.InsufficientPrivilege("permission denied for table entry\nSTATEMENT: x"), "lacks this right"),
        (psycopg.errors.UndefinedTable('relation "entry" does not exist\nLINE 1: SELECT'), "tongyuan migrate"),
        (psycopg.errors.DatatypeMismatch("other"), "database: other"),
    ],
)
def test_what_postgresql_refuses_is_told_without_its_statement(error: psycopg.Error, words: str) -> None:
    said = sentence(ProgrammingError("SELECT secret", {"value": "13812345678"}, error)) or ""
    assert words in said
    assert "\n" not in said
    assert not {"secret", "13812345678", "STATEMENT", "LINE"} & set(said.split())


def test_a_bug_is_no_sentence() -> None:
    assert [sentence(error) for error in (KeyError("x"), TypeError("x"), AttributeError("x"))] == [None, None, None]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (SettingsError("x"), 2),
        (Invalid(Violation("name", "required", "missing")), 2),
        (Unavailable("x"), 1),
        (OSError(errno.EIO, "x"), 1),
    ],
)
def test_a_wrong_setting_is_usage_and_anything_else_a_problem(error: Exception, code: int) -> None:
    assert exit_code(error) == code


def failing(error: Exception) -> Callable[..., Any]:
    def fail(*_given: Any, **_more: Any) -> Any:
        raise error

    return fail


COMMANDS = [
    ["status"],
    ["doctor"],
    ["verify"],
    ["audit"],
    ["trace", "item:x"],
    ["rebuild", "web"],
    ["drill"],
    ["dead", "list"],
    ["kiosk", "screens"],
    ["feedback", "list"],
    ["compact", "--older-than-days", "1"],
    ["keys", "list"],
    ["migrate"],
    ["backup", "/tmp"],
    ["up"],
    ["token", "web"],
    ["run", "web"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_command_answers_a_failing_disk_with_a_traceback(
    command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    full = failing(OSError(errno.ENOSPC, "No space left on device", "/data/x"))
    monkeypatch.setattr(terminal, "load", full)
    monkeypatch.setattr(process, "load", full)
    done = CliRunner().invoke(app, command)

    said = (done.stderr + capsys.readouterr().err).strip()
    assert isinstance(done.exception, SystemExit)
    assert done.exit_code == 1
    assert (
        said == "✗ /data/x: No space left on device: free space on its disk; a data folder can be moved to a larger "
        "one (TONGYUAN_DATA_DIR)"
    )


def test_a_bug_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "load", failing(KeyError("bug")))
    assert isinstance(CliRunner().invoke(app, ["status"]).exception, KeyError)


@pytest.mark.parametrize("value", ["", "http", "0", "70000", "８０"])
def test_the_probe_names_the_setting_of_a_port_that_is_none(value: str) -> None:
    with pytest.raises(SettingsError, match="TONGYUAN_PORT: must be the port"):
        probe.ready({"TONGYUAN_PORT": value})


def test_the_probe_says_where_it_asked_and_which_setting_names_it() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        said = probe.ready({"TONGYUAN_METRICS_PORT": str(port)})
    assert f"127.0.0.1:{port} (TONGYUAN_METRICS_PORT)" in said


def test_the_probe_repeats_why_a_process_is_not_ready() -> None:
    def ready() -> None:
        raise Unavailable("x")

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    serve_health("web", "127.0.0.1", port, ready)
    said = probe.ready({"TONGYUAN_METRICS_PORT": str(port)})
    assert said.startswith("status 503")
    assert "web cannot reach a service that it needs" in said
