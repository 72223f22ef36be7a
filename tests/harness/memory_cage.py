"""Limits a process to the memory that it is given in production, by the kernel's controller (cgroup v1 or v2)."""

import os
from collections.abc import Sequence
from pathlib import Path

V1, V2 = Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")


class MemoryCage:
    """`size` bytes for processes started with `command`. One that needs more is killed, and `kills` counts it."""

    def __init__(self, name: str, size: int) -> None:
        self._is_v1 = (V1 / "memory.limit_in_bytes").exists()
        self._folder = (V1 if self._is_v1 else V2) / f"tongyuan-{os.getpid()}-{name.replace(' ', '-')}"
        try:
            self._folder.mkdir()
            (self._folder / ("memory.limit_in_bytes" if self._is_v1 else "memory.max")).write_text(str(size))
        except OSError as error:
            raise RuntimeError(f"needs a memory controller that this user may write to: {error}") from error

    def command(self, command: Sequence[str]) -> list[str]:
        """Return the command that runs this one inside."""
        return ["sh", "-c", f'echo $$ >{self._folder}/cgroup.procs && exec "$@"', "sh", *command]

    @property
    def peak(self) -> int:
        """Return the maximum of bytes held at once, including the kernel's memory for sockets."""
        if not self._is_v1:
            return self._number("memory.peak")
        return self._number("memory.max_usage_in_bytes") + self._number("memory.kmem.tcp.max_usage_in_bytes")

    @property
    def kills(self) -> int:
        """Return how many processes the kernel killed for lack of memory."""
        text = (self._folder / ("memory.oom_control" if self._is_v1 else "memory.events")).read_text()
        return sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("oom_kill "))

    def remove(self) -> None:
        """Remove it, after everything inside has ended."""
        self._folder.rmdir()

    def _number(self, name: str) -> int:
        file = self._folder / name
        return int(file.read_text()) if file.exists() else 0
