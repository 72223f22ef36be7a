"""Says once that another service does not answer."""

from dataclasses import dataclass

from structlog.typing import FilteringBoundLogger

NOTEWORTHY = 2
"""Failures in a row. One is a service that stops together with the desk, or starts again."""


@dataclass
class Outage:
    """For one thread: counts failures in a row, and logs a warning `event` when they become noteworthy."""

    event: str
    log: FilteringBoundLogger
    failures: int = 0

    def failed(self, error: Exception, **about: str) -> None:
        """Count a failure."""
        self.failures += 1
        if self.failures == NOTEWORTHY:
            self.log.warning(self.event, reason=str(error), **about)

    def over(self) -> None:
        """Note that the service answered."""
        self.failures = 0
