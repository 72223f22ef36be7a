"""A client of our server that uses raw sockets, as a stranger would."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.harness.county import REPOSITORY, answers, wait_for
from tests.harness.ports import free_port

HEAD = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"


class Bounded:
    """A server in its own process, with the given limits."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self._dialled: list[socket.socket] = []

    def dial(self, first: bytes = b"", receive_buffer: int = 0) -> socket.socket:
        """Open a connection and send `first`; `receive_buffer`: bytes that it accepts unread."""
        sock = socket.socket()
        self._dialled.append(sock)
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        sock.settimeout(30)
        sock.connect(("127.0.0.1", self.port))
        sock.sendall(first)
        return sock

    def hang_up(self) -> None:
        """Close every connection that was dialled."""
        for sock in self._dialled:
            sock.close()
        self._dialled.clear()

    def said(self, request: bytes) -> bytes:
        """Return everything received until the server closes the connection."""
        with self.dial() as sock:
            return everything(sock, request)


def everything(sock: socket.socket, request: bytes = b"") -> bytes:
    """Send, then read to the end. A reset counts as an end."""
    said = b""
    try:
        sock.sendall(request)
        while part := sock.recv(65_536):
            said += part
    except (BrokenPipeError, ConnectionResetError):
        pass
    return said


def status(said: bytes) -> int:
    """Return the status of a raw answer; 0 if there is none."""
    return int(said.split(b" ", 2)[1]) if said.startswith(b"HTTP/1.1 ") else 0


def closes(sock: socket.socket, seconds: float = 30) -> bool:
    """Whether the server closes the connection without sending anything, within `seconds`."""
    sock.settimeout(seconds)
    try:
        return sock.recv(1) == b""
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False


def reading(url: str, name: str) -> float:
    """Return a metric of the server."""
    import httpx  # nothing else here needs it

    text = httpx.get(f"{url}/metrics").text
    return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(name))


def until(what: Any, seconds: float = 30) -> bool:
    """Whether `what()` becomes true in time."""
    deadline = time.monotonic() + seconds
    while not what():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


@contextmanager
def bounded(**limits: Any) -> Iterator[Bounded]:
    """Run a server with these limits."""
    port = free_port()
    command = [sys.executable, "-m", "tests.harness.bounded_app", str(port), json.dumps(limits)]
    process = subprocess.Popen(command, cwd=REPOSITORY)
    try:
        wait_for(lambda: answers(f"http://127.0.0.1:{port}/healthz"), "the server answers")
        server = Bounded(port)
        try:
            yield server
        finally:
            server.hang_up()
    finally:
        process.terminate()
        process.wait()
