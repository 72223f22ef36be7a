"""A clock that a test can set while a process runs: Debian's libfaketime, which reads the step from a file each time.

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
    """The wall clock of the processes that are started with `env`. Their monotonic clock stays true."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.step("+0")

    @cached_property
    def env(self) -> dict[str, str]:
        """What makes a process keep this clock."""
        return {
            "LD_PRELOAD": str(require(LIBRARY, PACKAGE, places=PLACES)),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_DONT_RESET": "1",
        }

    def step(self, difference: str) -> None:
        """From the true time. In one go: the file is never read half-written."""
        fresh = self._file.with_suffix(".new")
        fresh.write_text(f"{difference}\n")
        fresh.rename(self._file)
