"""A network namespace connected by one virtual cable that a test can cut; its processes reach nothing else.

with island() as place:
    place.command([...])      # how to start a process there
    place.here, place.there   # our address, and its
    place.cut(); place.mend(); place.narrow("1mbit"); place.widen()
"""

import os
import secrets
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.harness.packages import require


class NotRootError(RuntimeError):
    """Only root can create namespaces and cables."""


@dataclass(frozen=True)
class Island:
    """One namespace called `name`; the cable's ends are `<name>h` on our side and `<name>i` inside."""

    name: str
    here: str
    there: str
    ip: Path
    tc: Path

    def command(self, command: Sequence[str]) -> list[str]:
        """Return the command that runs this one inside. It replaces itself with it, so no wrapper process remains."""
        return [str(self.ip), "netns", "exec", self.name, *command]

    def cut(self) -> None:
        """Unplug the cable: packets are lost both ways, without any notice."""
        self._run(self.ip, "link", "set", f"{self.name}h", "down")

    def mend(self) -> None:
        """Plug the cable in again."""
        self._run(self.ip, "link", "set", f"{self.name}h", "up")

    def narrow(self, rate: str) -> None:
        """Limit the rate (as tc writes it) towards the island."""
        bucket = ["tbf", "rate", rate, "burst", "16kb", "latency", "400ms"]
        self._run(self.tc, "qdisc", "replace", "dev", f"{self.name}h", "root", *bucket)

    def widen(self) -> None:
        """Remove the limit, if there is one."""
        subprocess.run(
            [str(self.tc), "qdisc", "del", "dev", f"{self.name}h", "root"], check=False, capture_output=True, timeout=30
        )

    def make(self) -> None:
        """Create it. Raises CalledProcessError with the output of ip."""
        ip, near, far = self.ip, f"{self.name}h", f"{self.name}i"
        self._run(ip, "netns", "add", self.name)
        self._run(ip, "link", "add", near, "type", "veth", "peer", "name", far, "netns", self.name)
        self._run(ip, "addr", "add", f"{self.here}/30", "dev", near)
        self._run(ip, "link", "set", near, "up")
        self._run(ip, "-n", self.name, "addr", "add", f"{self.there}/30", "dev", far)
        for device in ("lo", far):
            self._run(ip, "-n", self.name, "link", "set", device, "up")

    def _run(self, *command: str | Path) -> None:
        subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True, timeout=30)


@contextmanager
def island() -> Iterator[Island]:
    """Create an island and remove it at the end, with the processes inside cut off. Raises `NotRootError`."""
    if os.geteuid() != 0:
        raise NotRootError("this test makes a network namespace, and only root may: run it as root")
    number = secrets.randbelow(2**14)
    net = f"10.213.{number // 64}"
    first = number % 64 * 4
    tools = [require(name, "iproute2", places=("/usr/sbin", "/sbin")) for name in ("ip", "tc")]
    place = Island(f"ty{secrets.token_hex(4)}", f"{net}.{first + 1}", f"{net}.{first + 2}", *tools)
    try:
        place.make()
        yield place
    finally:
        # The cable is deleted with the namespace that holds its other end.
        subprocess.run([str(place.ip), "netns", "del", place.name], check=False, capture_output=True, timeout=30)
