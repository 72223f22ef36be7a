"""A clock that a test can set while a process runs: Debian's libfaketime, which rereads the step from a file.

clock = Clock(tmp_path / "step")
county = EmbeddedCounty(folder, env=clock.env)
clock.step("-1h")       # also "+10y"; "+0" is the true time
"""

from functools import cached_property
from pathlib import Path

from tests.harness.packages import require

PLACES = ("/usr/lib/*/faketime",)
LIBRARY, PACKAGE = "libfaketimeMT.so.1", "libfaketime"


class Clock:
    """The wall clock of processes started with `env`. Their monotonic clock is unchanged."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.step("+0")

    @cached_property
    def env(self) -> dict[str, str]:
        """Environment that makes a process use this clock."""
        return {
            "LD_PRELOAD": str(require(LIBRARY, PACKAGE, places=PLACES)),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_DONT_RESET": "1",
        }

    def step(self, difference: str) -> None:
        """Set the difference to the true time. Atomic: the file is never read half-written."""
        fresh = self._file.with_suffix(".new")
        fresh.write_text(f"{difference}\n")
        fresh.rename(self._file)
