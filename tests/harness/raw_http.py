"""HTTP requests whose target, method and headers reach the server exactly as written, valid or not."""

import http.client
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

Header = tuple[str, str]


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """A raw answer. `status` 0: the connection was closed without an answer."""

    status: int
    headers: Sequence[Header] = ()
    body: bytes = b""

    def values(self, name: str) -> list[str]:
        """Return the values of a header."""
        return [value for other, value in self.headers if other.lower() == name]


class RawClient:
    """One connection at a time, reopened when the server has closed it."""

    def __init__(self, host: str, port: int, patience: float = 60.0) -> None:
        self._place = (host, port)
        self._patience = patience
        self._connection: http.client.HTTPConnection | None = None

    def ask(self, method: str, target: str, headers: Iterable[Header] = (), body: bytes = b"") -> RawAnswer:
        """Send a request. `Host` is added unless `headers` contains one."""
        sent = list(headers)
        for _ in range(2):
            fresh = self._connection is None
            connection = self._connection or http.client.HTTPConnection(*self._place, timeout=self._patience)
            self._connection = connection
            try:
                return _asked(connection, method, target, sent, body)
            except (http.client.HTTPException, ConnectionError):
                self.close()
                if fresh:
                    break
        return RawAnswer(0)

    def close(self) -> None:
        """Close the connection; the next request opens a new one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _asked(
    connection: http.client.HTTPConnection, method: str, target: str, headers: Sequence[Header], body: bytes
) -> RawAnswer:
    named = {name.lower() for name, _ in headers}
    connection.putrequest(method, target, skip_host="host" in named, skip_accept_encoding=True)
    for name, value in headers:
        connection.putheader(name, value.encode("latin-1", "replace"))
    if body or method in ("POST", "PUT", "PATCH", "DELETE"):
        connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body or None)
    answer = connection.getresponse()
    return RawAnswer(answer.status, answer.getheaders(), answer.read())
