"""The rights that a guarded route may require. The services' manifests say which caller has which at which service."""

from enum import StrEnum


class Right(StrEnum):
    """What a token permits. A route requires exactly one."""

    WRITE = "write"
    """Drafts, releases, imports, cases and erasures at a source."""
    FEED = "feed"
    """Reading what a source has released, before the ledger has it."""
    BODIES = "bodies"
    """Reading bodies that the ledger withholds from the public."""
    RECORDING = "recording"
    """Reading whether the ledger signs and records."""
    INSPECT = "inspect"
    """Reading what operators inspect: parked entries, traces, drills, screens, erasures, findings."""
    REPAIR = "repair"
    """Replaying, repairing and rebuilding a channel from the ledger."""
    OPERATE = "operate"
    """Everything else that an operator does: giving up entries, drills, screens, erasures in the ledger."""
    PREVIEW = "preview"
    """Having a channel show what is not released, without storing it."""
    AUDIT_HEAD = "audit_head"
    """Handing in the newest row of one's audit log, for the ledger's statements."""
    FILES = "files"
    """Reading files of guides at their source, also of what is not released."""
    BOARD = "board"
    """Setting at the kiosk which ticket numbers are called."""
    CASE_HOOKS = "case_hooks"
    """Having apps called about single cases."""


EVERY = frozenset(Right)
READING = frozenset({Right.FEED, Right.BODIES, Right.RECORDING, Right.INSPECT, Right.FILES})
"""Rights of the embedded county's service token; the others need the admin token."""
