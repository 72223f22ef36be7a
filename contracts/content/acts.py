"""An act (行为说明): an entry of the ledger that says why other entries were made.

It is released in the transaction of the releases that it explains, and only where the entries themselves cannot say
it: a withdrawal with a reason, a backdating, the undoing of an earlier release, a set that belongs together.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from pydantic import Field

from contracts.base import Contract, Salt, Timestamp

ACT_NAME = r"[a-z]{1,32}-[a-z]{1,16}-[1-9][0-9]{0,15}"
"""`<source>-<lane>-<sequence>`: the act's own place in its source's feed, so that no two acts share a key."""

SET_ACT = r"act:[a-z]{1,32}-set-[1-9][0-9]{0,15}"
"""Key of the act that completes a set: `act:<source>-set-<number>`. It is chosen before the members are released, which
name it; so it is not its place in the feed."""

MOST_MEMBERS = 2000
LONGEST_NOTE = 500


class Reason(StrEnum):
    """Why something was done. Senders use these; readers must expect others from a newer version."""

    WITHDRAWAL = "withdrawal"
    BACKDATING = "backdating"
    UNDO = "undo"
    SET = "set"
    CORRECTION = "correction"
    SUCCESSION = "succession"


REASONS: Mapping[str, str] = {
    Reason.WITHDRAWAL: "撤下",
    Reason.BACKDATING: "追溯生效",
    Reason.UNDO: "撤销此前发布",
    Reason.SET: "成组发布",
    Reason.CORRECTION: "更正",
    Reason.SUCCESSION: "由其他事项承接",
}
OTHER_REASON = "其他"
"""Label of a reason that this version does not know."""


MOST_BETWEEN = 20
"""Entries of one lane between a release and its act in which the act is looked for: plans that were planned again."""


LONGEST_SUCCESSION = 20
"""Withdrawals with a successor that are followed one after the other; a county renames a service every few years."""


def possible_acts(source: str, lane: str, sequence: int) -> list[str]:
    """Return the ledger keys that the act of a release may have: its transaction's later places in the lane."""
    return [f"act:{source}-{lane}-{number}" for number in range(sequence + 1, sequence + 1 + MOST_BETWEEN)]


def explains(act: Mapping[str, Any], key: str, version: int) -> bool:
    """Whether the JSON of an act's body, or of its document, names this version."""
    return any(one["key"] == key and one["version"] == version for one in act["acts_on"])


class ActedOn(Contract):
    """One entry that an act explains: its version, and the digest of its content."""

    key: str = Field(title="键", max_length=128)
    version: int = Field(title="版本", ge=1)
    digest: str = Field(title="内容摘要", pattern=r"^[0-9a-f]{64}$")


class Act(Contract):
    """Why entries were made. Public, so it must not contain personal data."""

    reason: str = Field(
        title="原因",
        pattern=r"^[a-z]{1,32}$",
        description="See `contracts.content.acts.Reason`; newer versions may add values.",
    )
    acts_on: list[ActedOn] = Field(title="涉及版本", min_length=1, max_length=MOST_MEMBERS)
    successors: list[str] = Field(
        default=[], title="承接事项", max_length=100, description="Ledger keys of the successors."
    )
    note: str | None = Field(default=None, title="公开说明", min_length=1, max_length=LONGEST_NOTE)
    made_at: Timestamp = Field(title="作出时间")
    salt: str | None = Salt
