"""Thousands of event streams in one thread by epoll; records when each of them received something."""

import re
import resource
import select
import socket
import time
from collections.abc import Iterable

REQUEST = b"GET %s HTTP/1.1\r\nHost: screens\r\nAccept: text/event-stream\r\n\r\n"
AT_ONCE = 250


class Listeners:
    """`count` streams at one address. Every wait is bounded."""

    def __init__(self, port: int, path: str, count: int) -> None:
        _allow_files(count + 256)
        self._address, self._path = ("127.0.0.1", port), path.encode()
        self._poll = select.epoll()
        self._sockets: dict[int, socket.socket] = {}
        self._tails: dict[int, bytes] = {}
        self._open(count)

    def heard(self, mark: bytes, seconds: float) -> dict[int, float]:
        """Return when each stream received `mark` (monotonic seconds, by stream), waiting at most `seconds`."""
        heard: dict[int, float] = {}
        deadline = time.monotonic() + seconds
        while len(heard) < len(self._sockets) and (left := deadline - time.monotonic()) > 0:
            for number, _ in self._poll.poll(min(left, 0.5)):
                data = self._sockets[number].recv(65_536)
                if not data:
                    raise ConnectionError("a stream was closed")
                tail = self._tails.get(number, b"") + data
                if mark in tail:
                    heard.setdefault(number, time.monotonic())
                self._tails[number] = tail[-len(mark) :]
        return heard

    def close(self) -> None:
        """Close all."""
        for sock in self._sockets.values():
            sock.close()
        self._poll.close()

    def _open(self, count: int) -> None:
        for start in range(0, count, AT_ONCE):
            fresh = [self._connect() for _ in range(min(AT_ONCE, count - start))]
            self._await_hello(fresh)

    def _connect(self) -> int:
        sock = socket.create_connection(self._address, timeout=30)
        sock.sendall(REQUEST % self._path)
        sock.setblocking(False)
        number = sock.fileno()
        self._sockets[number] = sock
        self._poll.register(number, select.EPOLLIN)
        return number

    def _await_hello(self, fresh: Iterable[int]) -> None:
        waiting = set(fresh)
        deadline = time.monotonic() + 60
        while waiting:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{len(waiting)} streams did not open")
            for number, _ in self._poll.poll(1):
                if re.search(rb"event: (sync|head)", self._sockets[number].recv(65_536)):
                    waiting.discard(number)


def _allow_files(count: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(count, hard), hard))
