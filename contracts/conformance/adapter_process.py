"""An adapter as a process: one JSON object a line in, one out."""

import json
import queue
import subprocess
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from contracts.base import Json

SECONDS = 20.0


class AdapterFault(Exception):
    """The adapter ended, was silent too long, or answered something that is not a JSON object."""


class AdapterProcess:
    """A running adapter. Its standard error goes to this process's own."""

    def __init__(self, command: Sequence[str]) -> None:
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._lines: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def ask(self, command: Json, seconds: float = SECONDS) -> Json:
        """Return the answer. Raises `AdapterFault`."""
        self._send(command)
        try:
            line = self._lines.get(timeout=seconds)
        except queue.Empty:
            raise AdapterFault(f"no answer to {command['cmd']} within {seconds:.0f} s") from None
        if not line:
            raise AdapterFault(f"the adapter ended at {command['cmd']} with {self._process.wait(5)}")
        try:
            answer: Any = json.loads(line)
        except ValueError:
            raise AdapterFault(f"the answer to {command['cmd']} is not JSON: {line[:200]!r}") from None
        if not isinstance(answer, dict):
            raise AdapterFault(f"the answer to {command['cmd']} is not an object")
        return answer

    def close(self) -> None:
        """End the adapter: by `stop`, and by force if that is not enough."""
        try:
            self._send({"cmd": "stop"})
            self._process.wait(5)
        except (AdapterFault, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()
        self._reader.join()
        for stream in (self._process.stdin, self._process.stdout):
            with suppress(OSError):  # what was not written to a dead adapter is lost anyway
                if stream is not None:
                    stream.close()

    def _send(self, command: Json) -> None:
        if self._process.stdin is None:
            raise AdapterFault("the adapter has no input")
        try:
            self._process.stdin.write(json.dumps(command, ensure_ascii=False) + "\n")
            self._process.stdin.flush()
        except OSError:
            raise AdapterFault(f"the adapter ended at {command['cmd']}") from None

    def _read(self) -> None:
        for line in self._process.stdout or ():
            self._lines.put(line)
        self._lines.put("")
