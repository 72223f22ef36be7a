"""A private PostgreSQL with its own folder, port and account; the machine's own server is never touched."""

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

import psycopg
import pytest

from tests.harness.packages import require
from tests.harness.ports import free_port

PLACES = ("/usr/lib/postgresql/*/bin",)
USER = "tongyuan"
BOOT_SECONDS = 120.0

DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "tcp_keepalives_idle": "30"}
"""Settings for durable commits. Timeouts are set by our connections, so the server has none."""

FAST = {**DURABLE, "fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
"""For tests that never kill the server."""

PRIVATE = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "max_connections": "200"}


class PrivatePostgres:
    """One server in `folder`, which must be new or an earlier cluster of this class. Data checksums are on.

    As root, the server runs as `postgres` or `nobody`, so every folder above `folder` must be accessible to others;
    `server_folder` makes such a folder. `start`, `stop`, `kill` and `restart` keep port and data.
    """

    def __init__(self, folder: Path, settings: Mapping[str, str] = DURABLE) -> None:
        self.folder = folder
        self.port = 0
        self.log = folder / "log"
        self._data = folder / "data"
        self._settings = {**settings, **PRIVATE}
        self._account = _account()
        self._served = False
        self._server: subprocess.Popen[bytes] | None = None
        self._guard: subprocess.Popen[bytes] | None = None

    def url(self, database: str = "postgres") -> str:
        """Return the SQLAlchemy URL for psycopg 3, with the only account (a superuser without password)."""
        return f"postgresql+psycopg://{USER}@127.0.0.1:{self.port}/{database}"

    def hand_over(self, *paths: Path) -> None:
        """Let the account that the server runs as own these files."""
        if self._account is not None:
            for path in paths:
                os.chown(path, self._account.pw_uid, self._account.pw_gid)

    def dsn(self, database: str = "postgres") -> str:
        """Return the same in libpq's form, for psycopg.connect."""
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{database}"

    @property
    def pid(self) -> int:
        """The postmaster's process id. Raises RuntimeError if it does not run."""
        if self._server is None:
            raise RuntimeError(f"PostgreSQL in {self.folder} does not run")
        return self._server.pid

    def start(self) -> Self:
        """Start, initialising the cluster the first time; return when clients are served."""
        if self._server is not None:
            return self
        if not (self._data / "PG_VERSION").exists():
            self._initialise()
        deadline = time.monotonic() + BOOT_SECONDS
        while not self._boot(deadline):
            if time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL in {self.folder} did not come up:\n{self.log.read_text()[-2000:]}")
            time.sleep(0.1)
        return self

    def stop(self) -> None:
        """Fast shutdown: clients are disconnected, everything is flushed. Does nothing if it does not run."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """kill -9 of the postmaster and all its children: nothing is flushed."""
        if self._server is None:
            return
        # A stopped postmaster cannot fork a child that would escape.
        os.kill(self.pid, signal.SIGSTOP)
        for child in _children(self.pid):
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        self._end(signal.SIGKILL)

    def restart(self) -> Self:
        """Stop if it runs, then start with the same port and data."""
        self.stop()
        return self.start()

    def pause(self) -> None:
        """SIGSTOP to all processes: connections stay open but silent."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        self._signal(signal.SIGCONT)

    def create_database(self, name: str | None = None) -> str:
        """Create an empty database and return its name."""
        name = name or f"t{secrets.token_hex(8)}"
        self._execute(f'CREATE DATABASE "{name}"')
        return name

    def drop_database(self, name: str) -> None:
        """Drop it, disconnecting its clients. Does nothing if it is gone."""
        self._execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def _execute(self, statement: str) -> None:
        with psycopg.connect(self.dsn(), autocommit=True) as connection:
            connection.execute(statement.encode())

    def _initialise(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._own_folder()
        command = [
            str(_program("initdb")), "-D", str(self._data), "-U", USER, "-k", "-A", "trust",
            "-E", "UTF8", "--locale=C.UTF-8", "--no-sync",
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, check=False, **self._as_account())
        if done.returncode:
            raise RuntimeError(f"initdb in {self.folder} failed:\n{done.stdout}{done.stderr}")

    def _own_folder(self) -> None:
        if self._account is None:
            return
        self.hand_over(self.folder)
        reachable = subprocess.run(["test", "-w", str(self.folder)], check=False, **self._as_account(cwd="/"))
        if reachable.returncode:
            raise RuntimeError(
                f"{self.folder} lies in a folder that {self._account.pw_name} may not enter, "
                "and PostgreSQL does not run as root: use a folder from `server_folder`"
            )

    def _boot(self, deadline: float) -> bool:
        """Try once. Return False if it ended at once: the port is taken, or the killed server is not quite gone."""
        self.port = self.port or free_port()
        options = [f"--{name}={value}" for name, value in {**self._settings, "port": str(self.port)}.items()]
        with self.log.open("wb") as log:
            self._server = subprocess.Popen(
                [str(_program("postgres")), "-D", str(self._data), *options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, **self._as_account(),
            )  # fmt: skip
        self._guard = _guard(self._server.pid, self._data)
        while time.monotonic() < deadline:
            if self._server.poll() is not None:
                self._forget()
                self._answer_refusal()
                return False
            if self._is_ready():
                self._served = True
                return True
            time.sleep(0.02)
        self._end(signal.SIGKILL)
        return False

    def _is_ready(self) -> bool:
        """Whether our own postmaster says so. A connection would prove nothing: another server may use the port."""
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) > 7 and lines[0] == str(self.pid) and lines[7].strip() == "ready"

    def _answer_refusal(self) -> None:
        """Choose another port, unless clients know this one; anything but a refused port or lock is final."""
        said = self.log.read_text()
        if "could not bind" in said and not self._served:
            self.port = 0
        elif not any(sign in said for sign in ("could not bind", "lock file", "shared memory block")):
            raise RuntimeError(f"PostgreSQL in {self.folder} refused to start:\n{said[-2000:]}")

    def _end(self, how: signal.Signals) -> None:
        if self._server is None:
            return
        self._server.send_signal(how)
        self._signal(signal.SIGCONT)
        try:
            self._server.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self._signal(signal.SIGKILL)
            self._server.wait(timeout=30)
        self._forget()

    def _forget(self) -> None:
        if self._guard is not None:
            self._guard.communicate(b"done\n", timeout=30)
        self._server = self._guard = None

    def _signal(self, which: signal.Signals) -> None:
        for process in (self.pid, *_children(self.pid)):
            with suppress(ProcessLookupError):
                os.kill(process, which)

    def _as_account(self, cwd: str | None = None) -> dict[str, Any]:
        """Arguments for subprocess that drop root to the account; other users stay as they are."""
        place: dict[str, Any] = {"cwd": cwd or str(self.folder), "env": {**os.environ, "LC_ALL": "C.UTF-8"}}
        if self._account is None:
            return place
        return {**place, "user": self._account.pw_uid, "group": self._account.pw_gid, "extra_groups": []}


@contextmanager
def server_folder() -> Iterator[Path]:
    """Return a fresh folder that any account can access (pytest's own cannot), removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="tongyuan-server-"))
    try:
        folder.chmod(0o711)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def private_postgres(settings: Mapping[str, str] = DURABLE) -> Iterator[PrivatePostgres]:
    """Return a private running server, removed at the end; for tests that kill it."""
    with server_folder() as folder:
        server = PrivatePostgres(folder / "postgres", settings)
        try:
            yield server.start()
        finally:
            server.kill()


@pytest.fixture(scope="session")
def postgres() -> Iterator[PrivatePostgres]:
    """One server per pytest-xdist worker, so that no test meets a server that another worker's test has killed."""
    with private_postgres() as server:
        yield server


@pytest.fixture
def database_url(postgres: PrivatePostgres) -> Iterator[str]:
    """Return the SQLAlchemy URL of a fresh, empty database."""
    name = postgres.start().create_database()
    yield postgres.url(name)
    postgres.start().drop_database(name)


def _program(name: str) -> Path:
    return require(name, "postgresql", places=PLACES)


def _account() -> pwd.struct_passwd | None:
    """The account that the server runs as; None: ours. PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    _program("postgres")  # installing the package creates the account
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            return pwd.getpwnam(name)
    raise RuntimeError("PostgreSQL does not run as root, and there is neither an account postgres nor nobody")


def _guard(server: int, data: Path) -> subprocess.Popen[bytes]:
    """Start a shell that shuts the server down if our process dies without telling it to end."""
    script = 'read word || { grep -qsF "$2" "/proc/$1/cmdline" && kill -QUIT "$1"; }'
    command = ["/bin/sh", "-c", script, "guard", str(server), str(data)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)


def _children(parent: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(FileNotFoundError, ProcessLookupError):
            if int(stat.read_text().rpartition(")")[2].split()[1]) == parent:
                found.append(int(stat.parent.name))
    return found
