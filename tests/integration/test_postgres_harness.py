"""The private PostgreSQL keeps what it promises to the tests that stand on it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.harness.packages import MissingPackageError, find, require
from tests.harness.postgres import FAST, PrivatePostgres, private_postgres, server_folder
from tests.harness.rabbitmq import wait_until

ROOT = Path(__file__).resolve().parents[2]
IS_ROOT = os.geteuid() == 0


@pytest.fixture(scope="module")
def own() -> Iterator[PrivatePostgres]:
    with private_postgres() as server:
        yield server


def connect(server: PrivatePostgres) -> psycopg.Connection:
    return psycopg.connect(server.start().dsn(), autocommit=True)


def test_a_database_is_fresh_and_empty(database_url: str) -> None:
    with psycopg.connect(database_url.replace("+psycopg", "")) as connection:
        tables = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()

    assert tables == (0,)


def test_two_databases_do_not_see_each_other(postgres: PrivatePostgres) -> None:
    first, second = postgres.create_database(), postgres.create_database()
    with psycopg.connect(postgres.dsn(first)) as connection:
        connection.execute("CREATE TABLE item (code text)")

    with psycopg.connect(postgres.dsn(second)) as connection:
        assert connection.execute("SELECT to_regclass('item')").fetchone() == (None,)
    postgres.drop_database(first)
    postgres.drop_database(second)


def test_a_commit_is_on_disk_before_it_is_answered(own: PrivatePostgres) -> None:
    with connect(own) as connection:
        shown = {name: connection.execute(f"SHOW {name}".encode()).fetchone() for name in
                 ("fsync", "synchronous_commit", "full_page_writes", "data_checksums")}  # fmt: skip

    assert set(shown.values()) == {("on",)}


def test_a_committed_row_survives_kill_9(own: PrivatePostgres) -> None:
    with connect(own) as connection:
        connection.execute("CREATE TABLE kept (number int)")
        connection.execute("INSERT INTO kept VALUES (7)")
    port, before = own.port, own.pid

    own.kill()
    own.start()

    with connect(own) as connection:
        assert connection.execute("SELECT number FROM kept").fetchone() == (7,)
    assert own.port == port
    assert own.pid != before


def test_kill_leaves_no_process_behind(own: PrivatePostgres) -> None:
    own.start()
    processes = processes_of(own)
    assert len(processes) > 3

    own.kill()

    wait_until(lambda: not processes_of(own), "a process is left")


def test_a_connection_ends_when_the_server_is_killed(own: PrivatePostgres) -> None:
    connection = connect(own)

    own.kill()

    with pytest.raises(psycopg.OperationalError):
        connection.execute("SELECT 1")


def test_restart_keeps_port_and_data(own: PrivatePostgres) -> None:
    name = own.start().create_database()
    port = own.port

    own.restart()

    assert own.port == port
    psycopg.connect(own.dsn(name)).close()


def test_a_paused_server_answers_again_after_resume(own: PrivatePostgres) -> None:
    own.start().pause()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(own.dsn(), connect_timeout=2)

    own.resume()

    psycopg.connect(own.dsn()).close()


def test_a_paused_server_can_be_stopped(own: PrivatePostgres) -> None:
    own.start().pause()

    own.stop()

    wait_until(lambda: not processes_of(own), "a process is left")


def test_the_machines_own_server_is_out_of_reach(own: PrivatePostgres) -> None:
    with connect(own) as connection:
        shown = connection.execute("SELECT inet_server_port(), current_user").fetchone()

    assert shown == (own.port, "tongyuan")
    assert own.port != 5432


def test_durability_can_be_traded_for_speed() -> None:
    with private_postgres(FAST) as server, connect(server) as connection:
        assert connection.execute("SHOW fsync").fetchone() == ("off",)


def test_a_server_takes_another_port_when_a_stranger_has_its_own() -> None:
    with private_postgres() as first, server_folder() as folder:
        second = PrivatePostgres(folder / "postgres")
        second.port = first.port
        second.start()
        try:
            assert second.port != first.port
        finally:
            second.kill()


def test_a_wrong_setting_is_reported_with_the_servers_words() -> None:
    with server_folder() as folder, pytest.raises(RuntimeError, match="fsync"):
        PrivatePostgres(folder / "postgres", {"fsync": "perhaps"}).start()


def test_a_folder_that_the_servers_account_cannot_enter_is_named(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    server = PrivatePostgres(closed / "postgres")

    if IS_ROOT:
        with pytest.raises(RuntimeError, match="server_folder"):
            server.start()
    else:
        server.start().kill()
        assert (closed / "postgres" / "data" / "PG_VERSION").exists()


def test_the_server_ends_with_the_process_that_started_it() -> None:
    script = (
        "from pathlib import Path; import os, sys; from tests.harness.postgres import PrivatePostgres\n"
        "server = PrivatePostgres(Path(sys.argv[1])).start(); print(server.pid, flush=True); os.kill(os.getpid(), 9)"
    )
    with server_folder() as folder:
        command = [sys.executable, "-c", script, str(folder / "postgres")]
        died = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

        assert died.returncode == -signal.SIGKILL, died.stderr
        wait_until(lambda: not Path(f"/proc/{int(died.stdout)}").exists(), "the server goes on alone")


def test_the_newest_version_in_debians_places_wins(tmp_path: Path) -> None:
    for version in ("9", "15"):
        program(tmp_path / version / "bin" / "initdb", "")

    assert find("initdb", [f"{tmp_path}/*/bin"]) == tmp_path / "15" / "bin" / "initdb"


def test_a_missing_program_names_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(MissingPackageError, match="postgresql"):
        require("no-such-program", "postgresql")


def test_a_missing_program_is_installed_once_and_its_daemon_does_not_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy, report, place = tmp_path / "policy-rc.d", tmp_path / "report", tmp_path / "place"
    stub_of_apt(tmp_path / "apt-get", policy, report, place / "served")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    if not IS_ROOT:
        with pytest.raises(MissingPackageError, match="some-server"):
            require("served", "some-server", places=[str(place)], policy=policy)
        assert not report.exists()
        return
    found = [require("served", "some-server", places=[str(place)], policy=policy) for _ in range(2)]

    assert found == [place / "served"] * 2
    assert report.read_text().split() == ["update", "quiet", "install", "quiet"]
    assert not policy.exists()


def stub_of_apt(path: Path, policy: Path, report: Path, binary: Path) -> None:
    """An apt-get that reports its verb and whether daemons are forbidden to start, and installs one program."""
    package = binary.with_name("package")
    program(package, "")
    program(
        path,
        f'for verb in update install; do case " $* " in *" $verb "*) echo $verb >> {report};; esac; done\n'
        f"test -x {policy} && echo quiet >> {report}\n"
        f'case "$*" in *" install --no-install-recommends some-server") mv {package} {binary};; esac',
    )


def program(path: Path, body: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def processes_of(server: PrivatePostgres) -> list[str]:
    """Processes whose working directory is the cluster's; a postmaster and its children stay there."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").readlink().is_relative_to(server.folder):
                found.append(process.name)
        except OSError:
            continue
    return found
