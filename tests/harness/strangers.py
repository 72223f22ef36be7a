"""Hostile clients in a process of their own: idle streams, endless heads and bodies, readers that read almost nothing.

A client whose connection is closed reconnects. They share no interpreter with the test, which measures beside them.
"""

import multiprocessing
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any, Self

TURN_SECONDS = 0.5
SIP = 512


class Stranger:
    """One client: what it sends first, what it sends in each turn, and how much it reads in each turn."""

    def __init__(self, address: tuple[str, int], first: bytes, drop: bytes, sip: int, home: str) -> None:
        self._address, self._first, self._drop, self._sip, self._home = address, first, drop, sip, home
        self.sock: socket.socket | None = None
        self.heard = False

    def turn(self) -> None:
        """Connect, or continue."""
        try:
            if self.sock is None:
                self._come()
            elif self._drop:
                self.sock.send(self._drop)
            if self.sock is not None and self._sip:
                self.heard = bool(self.sock.recv(self._sip))
                if not self.heard:
                    self.leave()
        except BlockingIOError:
            pass
        except OSError:
            self.leave()

    def leave(self) -> None:
        """Close the connection."""
        if self.sock is not None:
            self.sock.close()
        self.sock, self.heard = None, False

    def _come(self) -> None:
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        sock.bind((self._home, 0))
        sock.settimeout(5)
        try:
            sock.connect(self._address)
            sock.sendall(self._first)
        except OSError:
            sock.close()
            raise
        sock.setblocking(False)
        self.sock = sock


def heads(address: tuple[str, int], count: int) -> list[Stranger]:
    """Clients whose heads never end."""
    first = b"GET / HTTP/1.1\r\nHost: x\r\nX-A: "
    return [Stranger(address, first, b"a", 0, home(number)) for number in range(count)]


def bodies(address: tuple[str, int], path: str, count: int) -> list[Stranger]:
    """Clients whose bodies never end."""
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 900000\r\n\r\n"
    first = head.encode() + b" " * 60_000
    return [Stranger(address, first, b" " * 16, 0, home(number)) for number in range(count)]


def readers(address: tuple[str, int], path: str, count: int) -> list[Stranger]:
    """Clients that request much, each something else, and read almost nothing."""
    return [
        Stranger(address, f"GET {path}&x={number} HTTP/1.1\r\nHost: x\r\n\r\n".encode(), b"", SIP, home(number))
        for number in range(count)
    ]


def streams(address: tuple[str, int], path: str, count: int) -> list[Stranger]:
    """Clients that listen to the stream, 150 per address."""
    first = f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    return [Stranger(address, first, b"", 65_536, home(number // 150)) for number in range(count)]


def home(number: int) -> str:
    """Return an address of this machine that is not trusted as a proxy."""
    return f"127.0.{1 + number // 200}.{2 + number % 200}"


class Crowd:
    """Strangers, and the rush that begins when it is told to, in their own process until the end of the block."""

    def __init__(self, strangers: Sequence[Stranger], heavy: Sequence[tuple[str, int, str]], threads: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_live, args=(strangers, heavy, threads, theirs), daemon=True)

    def __enter__(self) -> Self:
        self._process.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.is_alive():
            self._pipe.send("end")
            self._process.join(120)
        self._process.kill()
        self._process.join()

    def answered(self) -> int:
        """Return how many have been answered: idle streams that have begun, readers that have taken a first sip."""
        return int(self._ask("answered"))

    def connected(self) -> int:
        """Return how many are connected now."""
        return int(self._ask("connected"))

    def rush(self) -> None:
        """Begin to request the most expensive answers."""
        self._ask("rush")

    def told(self) -> Counter[int]:
        """Return the statuses that the rush was told so far."""
        return Counter(self._ask("told"))

    def _ask(self, what: str) -> Any:
        self._pipe.send(what)
        if not self._pipe.poll(120):
            raise TimeoutError(f"the crowd does not say: {what}")
        return self._pipe.recv()


def _live(strangers: Sequence[Stranger], heavy: Sequence[tuple[str, int, str]], threads: int, pipe: Connection) -> None:
    rush = Rush(heavy, threads)
    with _turning(strangers):
        while (asked := pipe.recv()) != "end":
            if asked == "rush":
                rush.start()
            pipe.send(
                {
                    "answered": sum(one.heard for one in strangers),
                    "connected": sum(one.sock is not None for one in strangers),
                    "told": dict(rush.told),
                }.get(asked)
            )
        rush.stop()


@contextmanager
def _turning(strangers: Sequence[Stranger]) -> Iterator[None]:
    stop = threading.Event()

    def run() -> None:
        while not stop.is_set():
            begun = time.monotonic()
            for one in strangers:
                one.turn()
                if stop.is_set():
                    return
            stop.wait(max(0.0, TURN_SECONDS - (time.monotonic() - begun)))

    thread = threading.Thread(target=run, name="strangers", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(60)
        for one in strangers:
            one.leave()


class Rush:
    """Threads that request the most expensive answers repeatedly and count the statuses."""

    def __init__(self, addresses: Sequence[tuple[str, int, str]], threads: int) -> None:
        self.told: Counter[int] = Counter()
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._ask, args=(number, *addresses[number % len(addresses)]), daemon=True)
            for number in range(threads)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(60)

    def _ask(self, number: int, host: str, port: int, path: str) -> None:
        turn = 0
        while not self._stop.is_set():
            turn += 1
            self.told[_fetched(host, port, f"{path}&y={number}.{turn}", home(number))] += 1


def _fetched(host: str, port: int, path: str, where: str) -> int:
    """Return the status; 0 without an answer."""
    sock = socket.socket()
    try:
        sock.settimeout(60)
        sock.bind((where, 0))
        sock.connect((host, port))
        sock.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        first = sock.recv(65_536)
        while sock.recv(65_536):
            pass
        return int(first.split(b" ", 2)[1]) if first else 0
    except OSError:
        return 0
    finally:
        sock.close()
