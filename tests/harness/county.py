"""A whole county as real processes: embedded (`tongyuan up`) or production (one a service), killable one by one."""

import os
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.harness.ports import free_port

REPOSITORY = Path(__file__).resolve().parents[2]
TONGYUAN = (sys.executable, "-m", "services")
SOURCES = ("catalog", "guides", "applications")
CHANNELS = ("web", "mobile", "kiosk", "portal")
WITH_WORKERS = (*SOURCES, "ledger", *CHANNELS)
SERVICES = (*WITH_WORKERS, "auditor")
ADMIN, SERVICE = "admin-token-of-a-test", "service-token-of-a-test"
START_SECONDS = 180.0


class County:
    """What both shapes have: processes by name, addresses by service, the command line."""

    def __init__(self, folder: Path, env: Mapping[str, str]) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.env = {
            **{name: value for name, value in os.environ.items() if not name.startswith("TONGYUAN_")},
            "PYTHONUNBUFFERED": "1",
            "TONGYUAN_ADMIN_TOKEN": ADMIN,
            "TONGYUAN_SERVICE_TOKEN": SERVICE,
            "TONGYUAN_DATA_DIR": str(folder / "data"),
            **env,
        }
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.kills = 0
        self._clients: dict[str, httpx.Client] = {}

    @property
    def names(self) -> list[str]:
        """Every process of this shape."""
        raise AssertionError("a shape says")

    def url(self, service: str) -> str:
        """Base address of a service."""
        raise AssertionError("a shape says")

    def command(self, name: str) -> list[str]:
        """Command line of a process."""
        raise AssertionError("a shape says")

    def start(self, *names: str) -> None:
        """Start processes (all by default) and wait until they are ready."""
        for name in names or self.names:
            self._spawn(name)
        for name in names or self.names:
            self.wait_ready(name)

    def kill(self, name: str) -> None:
        """kill -9."""
        self.processes[name].kill()
        self.processes[name].wait()
        self.kills += 1

    def restart(self, name: str) -> None:
        """Start a process that has ended."""
        self._spawn(name)

    def stop(self) -> None:
        """Ask all to stop; what does not within ten seconds is killed."""
        for process in self.processes.values():
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self.processes.values():
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for client in self._clients.values():
            client.close()

    def wait_ready(self, name: str) -> None:
        """Until the process answers; its log is in the failure when it does not."""
        wait_for(lambda: self._ready(name), f"{name} is ready", START_SECONDS, lambda: self.log(name)[-3000:])

    def log(self, name: str) -> str:
        """What the process has written."""
        file = self.folder / f"{name}.log"
        return file.read_text(errors="replace") if file.exists() else ""

    def http(self, service: str) -> httpx.Client:
        """Client of a service, with the editor's token."""
        if service not in self._clients:
            headers = {"Authorization": f"Bearer {ADMIN}"}
            self._clients[service] = httpx.Client(
                base_url=self.url(service), headers=headers, timeout=30, trust_env=False, verify=self.verify()
            )
        return self._clients[service]

    def verify(self) -> ssl.SSLContext | bool:
        """By what our clients check the services."""
        return True

    def cli(self, *arguments: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """Run `tongyuan …` against this county."""
        command = [*TONGYUAN, *arguments]
        return subprocess.run(
            command, cwd=REPOSITORY, env=self.cli_env(), capture_output=True, text=True, timeout=timeout, check=False
        )

    def cli_env(self) -> dict[str, str]:
        """Environment of the command line."""
        return self.env

    def verified(self) -> None:
        """`tongyuan verify` exits 0."""
        done = self.cli("verify")
        assert done.returncode == 0, done.stdout + done.stderr

    def _ready(self, name: str) -> bool:
        raise AssertionError("a shape says")

    def _spawn(self, name: str) -> None:
        with (self.folder / f"{name}.log").open("ab") as sink:
            self.processes[name] = subprocess.Popen(
                self.command(name), cwd=REPOSITORY, env=self.env_of(name), stdout=sink, stderr=sink
            )

    def env_of(self, name: str) -> dict[str, str]:
        """Environment of a process."""
        return self.env


class EmbeddedCounty(County):
    """`tongyuan up`."""

    def __init__(self, folder: Path, *arguments: str, env: Mapping[str, str] | None = None) -> None:
        super().__init__(folder, {"TONGYUAN_PORT": str(free_port()), **(env or {})})
        self._arguments = arguments or ("--no-demo",)

    @property
    def names(self) -> list[str]:
        return ["up"]

    def url(self, service: str) -> str:
        return f"http://127.0.0.1:{self.env['TONGYUAN_PORT']}"

    def command(self, name: str) -> list[str]:
        return [*TONGYUAN, name, *self._arguments]

    def _ready(self, name: str) -> bool:
        return answers(f"{self.url(name)}/healthz", self.verify())


@dataclass(frozen=True)
class Elsewhere:
    """Where a process runs instead of here: its address, what it finds there, and how it is started."""

    host: str
    env: Mapping[str, str]
    command: Callable[[Sequence[str]], list[str]]


class ProductionCounty(County):
    """One process a service over RabbitMQ and PostgreSQL; `elsewhere` says which do not run here."""

    def __init__(self, folder: Path, amqp_url: str, database_url: str, env: Mapping[str, str] | None = None) -> None:
        self.ports = {name: free_port() for name in (*SERVICES, *(f"{service}-worker" for service in WITH_WORKERS))}
        urls = {f"TONGYUAN_{name.upper()}_URL": f"http://127.0.0.1:{self.ports[name]}" for name in SERVICES}
        base = {"TONGYUAN_AMQP_URL": amqp_url, "TONGYUAN_DATABASE_URL": database_url, **urls}
        super().__init__(folder, {**base, **(env or {})})
        self.elsewhere: dict[str, Elsewhere] = {}

    @property
    def names(self) -> list[str]:
        return list(self.ports)

    def prepare(self) -> None:
        """Topology and schemas."""
        for arguments in (("topology", "apply"), ("migrate",)):
            done = self.cli(*arguments)
            assert done.returncode == 0, done.stdout + done.stderr

    def url(self, service: str) -> str:
        host = self.elsewhere[service].host if service in self.elsewhere else "127.0.0.1"
        return f"http://{host}:{self.ports[service]}"

    def command(self, name: str) -> list[str]:
        command = [*TONGYUAN, "run", kind(name)]
        return self.elsewhere[name].command(command) if name in self.elsewhere else command

    def env_of(self, name: str) -> dict[str, str]:
        port = "TONGYUAN_METRICS_PORT" if is_worker(name) else "TONGYUAN_PORT"
        place = self.elsewhere[name].env if name in self.elsewhere else {}
        return {**self.env, port: str(self.ports[name]), **place}

    def _ready(self, name: str) -> bool:
        path = "metrics" if is_worker(name) else f"{kind(name)}/healthz"
        return answers(f"{self.url(name)}/{path}")


@contextmanager
def running(county: County) -> Iterator[County]:
    """Started, and stopped in the end."""
    try:
        if isinstance(county, ProductionCounty):
            county.prepare()
        county.start()
        yield county
    finally:
        county.stop()


def wait_for(condition: Callable[[], Any], what: str, seconds: float = 60.0, explain: Callable[[], str] = str) -> Any:
    """The condition's value as soon as it is true."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"not within {seconds:.0f} s: {what}\n{explain()}")


def kind(name: str) -> str:
    """What a process runs: `catalog 2` is a second `catalog`."""
    return name.partition(" ")[0]


def is_worker(name: str) -> bool:
    """Has it only a port for its metrics, instead of a service's?"""
    return kind(name).endswith("-worker")


def answers(url: str, verify: ssl.SSLContext | bool = True) -> bool:
    """Is there a 2xx?"""
    try:
        return httpx.get(url, timeout=2, trust_env=False, verify=verify).is_success
    except httpx.HTTPError:
        return False
