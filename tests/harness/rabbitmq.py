"""A private RabbitMQ with its own folder, ports and user, removed at the end; and a fixture that shares one per run."""

import fcntl
import json
import os
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

import pytest

from tests.harness.packages import require
from tests.harness.ports import free_port
from tests.harness.process_state import is_alive, stands_still
from tests.harness.rabbitmq_folder import LIMITS, new_state, write_configuration

BIN = Path("/usr/lib/rabbitmq/bin")
PACKAGE = "rabbitmq-server"
BOOT_SECONDS = 120.0
VHOSTS_AT_ONCE = 8
WAIT_SECONDS = 120.0
"""How long tests wait. Only a failure takes this long; it is not a performance limit."""


class PrivateRabbit:
    """One private broker. All its state is in `folder`: a second object on the same folder is the same broker.

    `start`, `stop` (graceful), `kill` (SIGKILL), `restart` (with the same ports and data), `pause`/`resume`
    (SIGSTOP/SIGCONT). Raises RuntimeError if the package is missing or the broker does not start.
    """

    def __init__(self, folder: Path, heartbeat: int = 10, limits: Mapping[str, str] = LIMITS) -> None:
        self.folder = folder
        self._spare_vhosts: list[str] = []
        self._vhosts_at_once = 1
        # Port of a broker that requires TLS.
        self.tls_port: int | None = None
        self._state_file = folder / "state.json"
        if self._state_file.exists():
            self._state: dict[str, Any] = json.loads(self._state_file.read_text())
        else:
            self._state = new_state(heartbeat)
            write_configuration(folder, self._state, limits)
            self._save()

    @property
    def url(self) -> str:
        """AMQP URL of the default vhost with the broker's only account, an administrator."""
        return self.url_of("%2F")

    def url_of(self, vhost: str, user: str = "harness", password: str | None = None) -> str:
        """Return the AMQP URL of a vhost (percent-encoded), by default with the administrator's account."""
        return f"amqp://{user}:{password or self._state['password']}@127.0.0.1:{self._state['port']}/{vhost}"

    @property
    def password(self) -> str:
        """Password of its only account."""
        return str(self._state["password"])

    @property
    def port(self) -> int:
        """Its AMQP port, which nobody listens on when it requires TLS."""
        return int(self._state["port"])

    def with_management(self) -> Self:
        """Enable the management before the start; it listens on this machine only."""
        if "management" not in self._state:
            self._state["management"] = free_port()
            (self.folder / "plugins").write_text("[rabbitmq_management].\n")
            with (self.folder / "rabbitmq.conf").open("a") as configuration:
                configuration.write(
                    f"management.tcp.port = {self._state['management']}\nmanagement.tcp.ip = 127.0.0.1\n"
                    "management_agent.disable_metrics_collector = true\n"
                )
            self._save()
        return self

    @property
    def management_url(self) -> str:
        """Address of the management with the administrator's account."""
        return f"http://harness:{self.password}@127.0.0.1:{self._state['management']}"

    @property
    def runs(self) -> bool:
        """Whether its Erlang machine runs."""
        try:
            return is_alive(self.pid)
        except (FileNotFoundError, ValueError):
            return False

    @property
    def pid(self) -> int:
        """The Erlang machine's process id."""
        return int((self.folder / "mnesia" / f"{self._state['node']}.pid").read_text())

    def start(self) -> Self:
        """Start and wait until clients are served. Raises an error that says so if its port was taken meanwhile."""
        require_binaries()
        self._start_epmd()
        _spawn(self.environment(), self.folder / "out", str(BIN / "rabbitmq-server"))
        wait_until(self.serves, f"RabbitMQ in {self.folder} did not come up, see the file 'out' there", BOOT_SECONDS)
        return self

    def stop(self) -> None:
        """Shut down the broker and its epmd; falls back to SIGKILL. Does nothing if it does not run."""
        self._end(signal.SIGTERM)
        # 0 would signal our own process group, the test run itself.
        if self._state["epmd_pid"]:
            with suppress(ProcessLookupError):
                os.kill(self._state["epmd_pid"], signal.SIGTERM)
        self._state["epmd_pid"] = 0
        self._save()

    def kill(self) -> None:
        """kill -9: nothing is flushed."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Stop if it runs, then start with the same ports and data."""
        self._end(signal.SIGTERM)
        self.start()

    def pause(self) -> None:
        """SIGSTOP: connections stay open but silent. Returns once every thread stands: some may be on a processor."""
        os.kill(self.pid, signal.SIGSTOP)
        wait_until(lambda: stands_still(self.pid), "a thread of the broker goes on")

    def resume(self) -> None:
        """SIGCONT."""
        os.kill(self.pid, signal.SIGCONT)

    def ctl(self, *arguments: str) -> str:
        """Run rabbitmqctl (about a second each) and return its output. Raises RuntimeError with its message."""
        command = [str(BIN / "rabbitmqctl"), "--quiet", "-n", self._state["node"], *arguments]
        environment = self.environment()
        done = subprocess.run(command, check=False, env=environment, capture_output=True, text=True, timeout=300)
        if done.returncode:
            raise RuntimeError(f"rabbitmqctl {' '.join(arguments)}: {done.stdout}{done.stderr}")
        return done.stdout

    def new_vhost(self) -> str:
        """Return the URL of a fresh, empty vhost, so that tests with the fixed topology names do not collide.

        From the second on they are made in advance, several at once: what takes its time is rabbitmqctl.
        """
        if not self._spare_vhosts:
            self._spare_vhosts = [f"t{secrets.token_hex(6)}" for _ in range(self._vhosts_at_once)]
            self._vhosts_at_once = VHOSTS_AT_ONCE
            names = ", ".join(f'<<"{name}">>' for name in self._spare_vhosts)
            self.ctl(
                "eval",
                '[begin rabbit_vhost:add(Name, <<"harness">>), rabbit_auth_backend_internal:set_permissions('
                '<<"harness">>, Name, <<".*">>, <<".*">>, <<".*">>, <<"harness">>) end || Name <- [' + names + "]].",
            )
        return self.url_of(self._spare_vhosts.pop())

    def settle(self) -> None:
        """Wait until RabbitMQ's Raft library has written down which queues exist, half a second late.

        A queue declared just before a `kill` would come back without leader and without its messages.
        """
        self.ctl("eval", "[dets:sync(Table) || Table <- dets:all()].")

    def environment(self) -> dict[str, str]:
        """Return the environment in which its programs run."""
        folder = str(self.folder)
        return {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "HOME": f"{folder}/home",
            "RABBITMQ_NODENAME": self._state["node"],
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self._state["port"]),
            "RABBITMQ_DIST_PORT": str(self._state["dist"]),
            "ERL_EPMD_PORT": str(self._state["epmd"]),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_MNESIA_BASE": f"{folder}/mnesia",
            "RABBITMQ_LOG_BASE": f"{folder}/log",
            "RABBITMQ_CONFIG_FILE": f"{folder}/rabbitmq.conf",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{folder}/plugins",
            "RABBITMQ_CONF_ENV_FILE": f"{folder}/none",
            # Without it idle schedulers spin and keep two cores busy.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+sbwt none",
        }

    def serves(self) -> bool:
        """Whether it answers a protocol header."""
        if self.tls_port is not None:
            with socket.socket() as knock:
                return knock.connect_ex(("127.0.0.1", self.tls_port)) == 0
        try:
            with socket.create_connection(("127.0.0.1", self._state["port"]), timeout=1) as connection:
                connection.settimeout(5)
                connection.sendall(b"AMQP\x00\x00\x09\x01")
                return connection.recv(1) == b"\x01"
        except OSError:
            return False

    def _start_epmd(self) -> None:
        if is_alive(self._state["epmd_pid"]):
            return
        # In the foreground; otherwise Erlang leaves a daemon with an unknown process id.
        command = ["epmd", "-address", "127.0.0.1", "-port", str(self._state["epmd"])]
        self._state["epmd_pid"] = _spawn(self.environment(), self.folder / "out", *command)
        self._save()

    def _end(self, how: signal.Signals) -> None:
        try:
            pid = self.pid
            os.kill(pid, how)
            os.kill(pid, signal.SIGCONT)
        except (FileNotFoundError, ProcessLookupError):
            return
        try:
            wait_until(lambda: not is_alive(pid), "the broker does not stop", 20)
        except RuntimeError:
            os.kill(pid, signal.SIGKILL)
            wait_until(lambda: not is_alive(pid), "the broker does not even die")

    def _save(self) -> None:
        self._state_file.write_text(json.dumps(self._state))


def require_binaries() -> None:
    """Make sure that RabbitMQ is installed, see `tests.harness.packages`."""
    require("rabbitmq-server", PACKAGE, places=(str(BIN),))
    require("epmd", PACKAGE)


def wait_until(condition: Callable[[], object], otherwise: str, seconds: float = WAIT_SECONDS) -> None:
    """Return as soon as `condition()` is true; raise RuntimeError(`otherwise`) after `seconds`."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError(otherwise)
        time.sleep(0.05)


@contextmanager
def shared_rabbit(folder: Path) -> Iterator[PrivateRabbit]:
    """One broker for all processes that name the same folder: the first starts it, the last stops it."""
    users, broker = folder / "users", folder / "broker"
    broker.mkdir(parents=True, exist_ok=True)
    with _locked(folder):
        count = int(users.read_text()) if users.exists() else 0
        rabbit = PrivateRabbit(broker).with_management()
        if count == 0:
            rabbit.start()
        users.write_text(str(count + 1))
    try:
        yield rabbit
    finally:
        with _locked(folder):
            left = int(users.read_text()) - 1
            users.write_text(str(left))
            if left == 0:
                rabbit.stop()


@pytest.fixture(scope="session")
def rabbitmq(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateRabbit]:
    """One broker per test run for all pytest-xdist workers. Isolate tests with `new_vhost()`."""
    base = tmp_path_factory.getbasetemp()
    common = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    with shared_rabbit(common / "rabbitmq") as rabbit:
        yield rabbit


def _spawn(environment: dict[str, str], out: Path, *command: str) -> int:
    """Start a process without a parent, since the one that starts a shared broker may end before it."""
    script = 'out=$1; shift; "$@" </dev/null >>"$out" 2>&1 & echo $!'
    started = subprocess.run(
        ["sh", "-c", script, "sh", str(out), *command],
        env=environment,
        # Mnesia writes its dumps here.
        cwd=out.parent,
        stdout=subprocess.PIPE,
        check=True,
        start_new_session=True,
    )
    return int(started.stdout)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
