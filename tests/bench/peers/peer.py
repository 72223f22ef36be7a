"""The peers, started and measured: one POST → PostgreSQL → RabbitMQ → four subscribers → PostgreSQL.

They have the durability that we have: fsync, quorum queues, persistent messages with publisher confirms, acknowledged
after the commit. They have no outbox, order, proof or projection: what dies between commit and confirm is lost.
"""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import psycopg
from pika.exceptions import ChannelClosedByBroker

from tests.bench import hands
from tests.bench.figures import Figures, cpu_seconds, spread
from tests.bench.peers.tables import CREATE, EXCHANGE, NAMES
from tests.harness.broker_queues import consumers
from tests.harness.county import REPOSITORY, answers, wait_for
from tests.harness.ports import free_port
from tests.harness.postgres import PrivatePostgres
from tests.harness.rabbitmq import PrivateRabbit

HERE = "tests.bench.peers"
Commands = tuple[Sequence[str], Sequence[str]]
"""How the source is started, and a subscriber: arguments of `python`; `{port}` stands for the source's port."""

PEERS: dict[str, Commands] = {
    "faststream": (
        ("-m", "uvicorn", f"{HERE}.faststream_http:app", "--port", "{port}", "--no-access-log"),
        ("-m", f"{HERE}.faststream_subscriber"),
    ),
    "nameko": (
        ("-m", f"{HERE}.nameko_run", f"{HERE}.nameko_source:Source", "127.0.0.1:{port}"),
        ("-m", f"{HERE}.nameko_run", f"{HERE}.nameko_subscriber:Subscriber", "127.0.0.1:0"),
    ),
}
START_SECONDS = 60.0


class Peer:
    """A peer that runs: its source's address, its processes, and the database in which it shows."""

    def __init__(self, folder: Path, commands: Commands, amqp: str, dsn: str) -> None:
        self.dsn, self._amqp = dsn, amqp
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        url = dsn.replace("postgresql://", "postgresql+psycopg://", 1)
        self._env = {**os.environ, "PEER_AMQP": amqp, "PEER_DATABASE": url, "PYTHONPATH": str(REPOSITORY)}
        source, subscriber = ([part.format(port=port) for part in command] for command in commands)
        starts = {"source": (source, {}), **{name: (subscriber, {"PEER_NAME": name}) for name in NAMES}}
        self._log = folder
        self.processes = {name: self._start(name, *start) for name, start in starts.items()}

    def wait_ready(self) -> None:
        """Wait until the source answers and every queue has its consumer."""
        wait_for(lambda: answers(f"{self.url}/healthz"), "the peer's source answers", START_SECONDS, self._said)
        wait_for(self._consumes, "the peer's subscribers consume", START_SECONDS, self._said)

    def stop(self) -> None:
        """Stop its processes."""
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            process.wait(30)

    def cpu_seconds(self) -> float:
        """Processor time of all its processes."""
        return sum(cpu_seconds(process.pid) for process in self.processes.values())

    def _start(self, name: str, command: Sequence[str], more: Mapping[str, str]) -> "subprocess.Popen[bytes]":
        with (self._log / f"{name}.log").open("wb") as sink:
            return subprocess.Popen(
                [sys.executable, *command], cwd=REPOSITORY, env={**self._env, **more}, stdout=sink, stderr=sink
            )

    def _consumes(self) -> bool:
        try:
            return all(consumers(self._amqp, f"{EXCHANGE}.{name}") for name in NAMES)
        except ChannelClosedByBroker:
            return False

    def _said(self) -> str:
        return "\n".join(file.read_text(errors="replace")[-1500:] for file in sorted(self._log.glob("*.log")))


@contextmanager
def running(name: str, folder: Path, rabbit: PrivateRabbit, postgres: PrivatePostgres) -> Iterator[Peer]:
    """Start the peer of that name on a broker's host and a database of its own, and stop it at the end."""
    dsn = postgres.dsn(postgres.create_database())
    with psycopg.connect(dsn, autocommit=True) as connection:
        for statement in CREATE:
            connection.execute(statement)
    place = folder / name
    place.mkdir()
    peer = Peer(place, PEERS[name], rabbit.new_vhost(), dsn)
    try:
        peer.wait_ready()
        yield peer
    finally:
        peer.stop()


def measure(peer: Peer, body: bytes, releases: int, hands_at_once: int, acts: int) -> Figures:
    """Latency of one release at a time, and the rate of many hands; `body`: the document that each POST carries."""
    with Shown(peer.dsn) as shown:
        figures: Figures = {"latency_ms": latency(peer, shown, body, releases)}
        figures["sustained"] = sustained(peer, shown, body, hands_at_once, acts)
    return figures


def latency(peer: Peer, shown: "Shown", body: bytes, releases: int) -> Figures:
    """From sending the POST until the last of the four has committed; one at a time."""
    connection = HTTPConnection(urlsplit(peer.url).netloc)
    slowest, requests = [], []
    for number in range(1, releases + 6):
        began = time.perf_counter()
        hands.send(connection, "POST", "/items/one", body)
        answered = time.perf_counter()
        seen = shown.wait("one", number)
        if number > 5:
            slowest.append((seen - began) * 1000)
            requests.append((answered - began) * 1000)
        time.sleep(0.05)
    connection.close()
    return {"seen_on_all_four": spread(slowest), "of_which_the_request": spread(requests), "n": releases}


def sustained(peer: Peer, shown: "Shown", body: bytes, hands_at_once: int, acts: int) -> Figures:
    """POSTs a second from many connections, until the last of the four has committed the last of them."""

    def act(connection: HTTPConnection, hand: int, _number: int) -> int:
        return hands.send(connection, "POST", f"/items/hand{hand}", body)[0]

    before, began = peer.cpu_seconds(), time.perf_counter()
    done = hands.work(peer.url, hands_at_once, acts, act)
    for hand in range(hands_at_once):
        shown.wait(f"hand{hand}", acts)
    seconds = time.perf_counter() - began
    return {
        "connections": hands_at_once,
        "releases_per_second": round(done.good / seconds),
        "accepted_per_second": round(done.good / done.seconds),
        "errors": len(done.bad),
        "cpu_ms_each": round((peer.cpu_seconds() - before) * 1000 / max(done.good, 1), 2),
    }


class Shown:
    """Listens to the database and notes when each subscriber has committed which version of which key."""

    def __init__(self, dsn: str) -> None:
        self._connection = psycopg.connect(dsn, autocommit=True)
        self._connection.execute("LISTEN shown")
        self._newest: dict[tuple[str, str], tuple[int, float]] = {}
        self._changed = threading.Condition()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._listen)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._connection.close()

    def wait(self, key: str, version: int) -> float:
        """Return the moment at which the last of the four had the version of the key, or a newer one."""
        with self._changed:
            arrived = self._changed.wait_for(lambda: all(has >= version for has, _ in self._of(key)), 120)
        assert arrived, f"{key} version {version} was not shown by all: {self._of(key)}"
        return max(moment for _, moment in self._of(key))

    def _of(self, key: str) -> list[tuple[int, float]]:
        return [self._newest.get((name, key), (0, 0.0)) for name in NAMES]

    def _listen(self) -> None:
        while not self._stop.is_set():
            for notice in self._connection.notifies(timeout=0.2):
                moment = time.perf_counter()
                name, key, version = notice.payload.split()
                with self._changed:
                    has = self._newest.get((name, key), (0, 0.0))[0]
                    self._newest[name, key] = (max(has, int(version)), moment)
                    self._changed.notify_all()
