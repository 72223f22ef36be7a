"""The five gates of a review (五关): before a release, somebody signs for each of them.

国办发〔2016〕80号 asks for 先审后发; the five names are those of the counties' release rules.
"""

from collections.abc import Mapping
from enum import StrEnum


class Gate(StrEnum):
    """What one sign-off is about. It holds for one digest of content and period: any edit opens all gates again."""

    POLITICAL = "political"
    LEGAL = "legal"
    POLICY = "policy"
    SECRECY = "secrecy"
    TEXT = "text"


GATES: Mapping[Gate, str] = {
    Gate.POLITICAL: "政治关",
    Gate.LEGAL: "法律关",
    Gate.POLICY: "政策关",
    Gate.SECRECY: "保密关",
    Gate.TEXT: "文字关",
}
"""Chinese label of each gate, in the order in which pages show them."""


class ReviewPolicy(StrEnum):
    """What a county demands before a release. Chosen when the county is born; it never changes."""

    NONE = "none"
    """Releases are recorded as not reviewed."""
    FIVE = "five"
    """Nothing is released while a gate is open."""
