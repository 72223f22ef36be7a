"""A client of WebDriver BiDi (W3C), the protocol that Chromium and Firefox both speak over one web socket.

Single-threaded: events are dispatched while waiting for an answer, and an event handler may send commands itself.
"""

import json
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from itertools import count
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

SECONDS = 120.0
LARGEST = 64 * 1024 * 1024
"""A screenshot is one message."""

Listener = Callable[[str, Mapping[str, Any]], None]


class BidiError(RuntimeError):
    """The browser refused a command; `kind` is the error code of the specification, such as `no such frame`."""

    def __init__(self, command: str, kind: str, message: str) -> None:
        super().__init__(f"{command}: {kind}: {message}")
        self.kind = kind


class Bidi:
    """A connection to a browser. Each of `listeners` gets name and parameters of every event."""

    def __init__(self, url: str) -> None:
        self.listeners: list[Listener] = []
        self._stack = ExitStack()
        self._connection = self._stack.enter_context(
            connect(url, max_size=LARGEST, proxy=None, compression=None, open_timeout=SECONDS)
        )
        self._numbers = count(1)
        self._answers: dict[int, dict[str, Any]] = {}

    def send(self, command: str, **parameters: Any) -> dict[str, Any]:
        """Return the result of a command. Raises `BidiError` if it is refused, `TimeoutError` without an answer."""
        number = next(self._numbers)
        self._connection.send(json.dumps({"id": number, "method": command, "params": parameters}))
        deadline = time.monotonic() + SECONDS
        while number not in self._answers:
            self._receive(deadline - time.monotonic(), command)
        answer = self._answers.pop(number)
        if answer["type"] == "error":
            raise BidiError(command, answer["error"], answer["message"])
        return dict(answer["result"])

    def close(self) -> None:
        """Disconnect from the browser."""
        self._stack.close()

    def _receive(self, seconds: float, command: str) -> None:
        try:
            message = json.loads(self._connection.recv(timeout=max(seconds, 0.0)))
        except ConnectionClosed as error:
            raise BidiError(command, "connection closed", str(error)) from error
        if "id" in message:
            self._answers[message["id"]] = message
            return
        for listener in tuple(self.listeners):
            listener(message["method"], message["params"])
