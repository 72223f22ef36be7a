"""Webhook receivers that are prompt, slow, wrong or hostile, each on its own port."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from ssl import SSLContext


@dataclass(frozen=True)
class Call:
    """One complete request."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        """The id by which receivers detect repeats."""
        return self.headers["webhook-id"]


@dataclass
class Receiver:
    """Answers each call with the next of `answers`, repeating the last; b"" never answers."""

    answers: list[bytes]
    endless: bytes = b""
    tls: SSLContext | None = None
    calls: list[Call] = field(default_factory=list)
    connections: int = 0
    sent: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    @property
    def host(self) -> str:
        """Host and port as in the setting."""
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """The address to call."""
        return f"http://{self.host}/hooks"

    def close(self) -> None:
        """Stop answering."""
        self._stop.set()
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        while not self._stop.is_set():
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, plain: socket.socket) -> None:
        plain.settimeout(10)
        with suppress(OSError), plain:
            connection = self.tls.wrap_socket(plain, server_side=True) if self.tls else plain
            with connection:
                self.calls.append(_read(connection))
                self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer:
            connection.sendall(answer)
        while self.endless and not self._stop.is_set():
            connection.sendall(self.endless)
            self.sent += len(self.endless)
            if len(self.endless) == 1:
                self._stop.wait(0.05)
        if not answer:
            self._stop.wait(10)


@contextmanager
def receiver(*answers: bytes, endless: bytes = b"", tls: SSLContext | None = None) -> Iterator[Receiver]:
    """Run a receiver that is closed at the end."""
    made = Receiver(list(answers), endless, tls)
    try:
        yield made
    finally:
        made.close()


def status(code: int, *headers: str) -> bytes:
    """Return an answer without a body."""
    lines = [f"HTTP/1.1 {code} Whatever", "Content-Length: 0", "Connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode()


def _read(connection: socket.socket) -> Call:
    raw = b""
    while b"\r\n\r\n" not in raw:
        raw += _some(connection)
    head, _, body = raw.partition(b"\r\n\r\n")
    first, _, fields = head.partition(b"\r\n")
    headers = {name.lower(): value for name, value in BytesParser(policy=HTTP).parsebytes(fields).items()}
    while len(body) < int(headers.get("content-length", "0")):
        body += _some(connection)
    return Call(first.split(b" ")[1].decode(), headers, body)


def _some(connection: socket.socket) -> bytes:
    got = connection.recv(65_536)
    if not got:
        raise OSError("cut")
    return got
