"""When the body of a version may be read by anybody. Pure; the ledger and its verifiers share this rule.

A version takes effect when it is recorded, or at a later time set for it. A version with a later time is scheduled: its
body is withheld until then. If a newer version of its key takes effect no later, it is overtaken and never counts: its
body stays withheld for good.
"""

from collections.abc import Iterable
from datetime import datetime

from contracts.envelope.publication import NoBody, Publication
from contracts.kinds import Op, is_public
from shared.transparency.timeline import Timed, is_overtaken


def is_withheld(one: Timed, of_key: Iterable[Timed], now: datetime) -> bool:
    """Whether a public version's body is withheld from readers without a token."""
    return one.scheduled and (one.starts > now or is_overtaken(one, of_key))


def readable_from(one: Timed, of_key: Iterable[Timed]) -> datetime | None:
    """Return when a scheduled version's body becomes public; None: never."""
    return None if is_overtaken(one, of_key) else one.starts


def why_no_body(entry: Publication) -> str | None:
    """Return why an entry has no body: its own statement, or else what follows from op and kind.

    None if it has a body, and for a public release without one: that has no valid reason.
    """
    if entry.body is not None:
        return None
    if entry.op == Op.WITHDRAW:
        return NoBody.WITHDRAWN
    return entry.no_body or (None if is_public(entry.kind) else NoBody.ERASED)
