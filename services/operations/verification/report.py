"""The result of a verification, for people and for scripts."""

from dataclasses import dataclass, field
from typing import Any

from contracts.base import Json
from contracts.topology import SOURCES
from shared.publishing.recording_status import Notice


@dataclass
class Finding:
    """One problem. `verdict`: stale, different, missing, orphan, foreign, broken, unknown. `foreign`: in the ledger,
    and never released by its source.
    """

    where: str
    verdict: str
    key: str
    detail: str = ""


@dataclass
class VerificationReport:
    """What was compared and what was found. `stale` within the allowed delay is no problem.

    `unreleasable`: why nothing can be released, even if everything is equal.
    `sources_compared`: whether the ledger was compared with the sources' feeds, which need a service's token.
    `hall_unknown`: items that the kiosk omits because they do not say whether the hall accepts them.
    """

    entries: int = 0
    root: str = ""
    hall_unknown: int = 0
    sources_compared: bool = True
    channels: dict[str, dict[str, Any]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    unreleasable: Notice | None = None

    @property
    def good(self) -> bool:
        """True when everything is equal, or late within the allowed delay, and something new could be released."""
        return self.unreleasable is None and all(finding.verdict == "stale" for finding in self.findings)

    @property
    def consistent(self) -> bool:
        """True when the channels show what the ledger has; releases may be waiting at their sources."""
        return all(finding.verdict == "stale" or finding.where in SOURCES for finding in self.findings)

    def as_json(self) -> Json:
        """Return the report for a script."""
        return {
            "good": self.good,
            "consistent": self.consistent,
            "unreleasable": self.unreleasable and self.unreleasable.as_json(),
            "entries": self.entries,
            "root": self.root,
            "hall_unknown": self.hall_unknown,
            "sources_compared": self.sources_compared,
            "channels": self.channels,
            "findings": [vars(finding) for finding in self.findings],
        }
