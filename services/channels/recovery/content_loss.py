"""Detects documents that a rebuild or repair would remove or set back although no entry says so.

A withdrawal, an expiry, and a version that this channel does not show are stated by an entry that was read and is
valid. A version whose body is damaged or missing states nothing: what is shown was proven when it arrived, and stays. A
key without an entry in a ledger that was followed from its beginning was never released, so it is not a loss.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from sqlalchemy import select as sa_select
from sqlmodel import Session, col

from contracts.envelope.publication import Publication
from services.channels.core.documents import Row, row_of
from services.channels.core.model import AsideRow, DocumentRow
from services.channels.core.port import Adapter
from shared import log
from shared.errors import Conflict
from shared.feeds.follower import checked
from shared.transparency.comparison import is_case_without_body

PAGE = 500
LONGEST_REASON = 200
MOST_NAMED = 20
_log = log.get("loss")


class WouldLose(Conflict):
    """The ledger, as far as it can be read, would remove documents that are shown. `lost`: key → reason."""

    def __init__(self, lost: Mapping[str, str]) -> None:
        self.lost = dict(lost)
        named = "; ".join(f"{key}: {why}" for key, why in sorted(lost.items())[:MOST_NAMED])
        more = f" … and {len(lost) - MOST_NAMED} more" if len(lost) > MOST_NAMED else ""
        super().__init__(
            f"{len(lost)} documents on show would be lost ({named}{more}). See what `tongyuan doctor` reports about "
            "the ledger (docs/operating/damage.md); only if they cannot be recovered, rebuild with --accept-loss"
        )


@dataclass
class UnreadableVersions:
    """Versions that could not be read, and therefore do not say what to show: key → version → reason."""

    _why: dict[str, dict[int, str]] = field(default_factory=dict)

    def row_of(self, adapter: Adapter, entry: Publication) -> Row:
        """Return the row of an entry, and note whether it is readable. Raises whatever makes it unreadable."""
        try:
            row = row_of(adapter, checked(entry))
        except Exception as error:
            self._note(entry, f"{type(error).__name__}: {error}"[:LONGEST_REASON])
            raise
        if is_case_without_body(entry):
            self._note(entry, "its body is missing from the ledger")
        elif entry.key in self._why:
            # Unreadable versions before a readable one no longer matter.
            left = {version: why for version, why in self._why[entry.key].items() if version > entry.version}
            self._why[entry.key] = left
        return row

    def _note(self, entry: Publication, why: str) -> None:
        self._why.setdefault(entry.key, {})[entry.version] = why

    def loss(self, key: str, shown: int, after: "After") -> str | None:
        """Return why version `shown` of a key would be lost, or None: a version on which it depends is unreadable."""
        for version, why in sorted(self._why.get(key, {}).items(), reverse=True):
            if after.version < version <= shown or (version == after.version and not after.shows):
                return f"version {version}: {why}"
        return None


class After(NamedTuple):
    """A key after the swap: its version, 0 for none, and whether it has content."""

    version: int = 0
    shows: bool = False


def lost(session: Session, unreadable: UnreadableVersions, *, another_history: bool) -> dict[str, str]:
    """Return key → reason for what is shown now and would not be after a swap.

    `another_history`: the ledger that was read is not the one that was followed, so a missing entry proves nothing.
    """
    has_content = col(AsideRow.content).is_not(None).label("shows")
    columns = (*map(col, (DocumentRow.key, DocumentRow.version)), col(AsideRow.version).label("built"), has_content)
    same_key = col(AsideRow.key) == col(DocumentRow.key)
    shown = sa_select(*columns).outerjoin(AsideRow, same_key).where(col(DocumentRow.content).is_not(None))
    found: dict[str, str] = {}
    for row in session.connection().execute(shown.execution_options(yield_per=PAGE)):
        after = After() if row.built is None else After(row.built, row.shows)
        why = unreadable.loss(row.key, row.version, after)
        if why is None and another_history and after.version < row.version:
            why = f"the ledger ends with version {after.version}" if after.version else "the ledger has no entry for it"
        if why is not None:
            found[row.key] = why
    return found


def loss_of(session: Session, key: str, due: Sequence[Row], unreadable: UnreadableVersions) -> str | None:
    """Like `lost`, for one key of which `due` would be shown."""
    stored = session.get(DocumentRow, key, populate_existing=True)
    if stored is None or stored.content is None:
        return None
    after = After(due[0]["version"], due[0]["content"] is not None) if due else After()
    return unreadable.loss(key, stored.version, after)


def accept(channel: str, lost: Mapping[str, str]) -> None:
    """Log every loss that an operator accepted."""
    for key, why in sorted(lost.items()):
        _log.critical("loss accepted", channel=channel, kind=key.partition(":")[0], key=key, reason=why)


def refuse(channel: str, lost: Mapping[str, str]) -> None:
    """Raise `WouldLose` if anything would be lost, and log it."""
    if lost:
        _log.critical("documents would be lost: nothing was changed", channel=channel, count=len(lost))
        raise WouldLose(lost)


def as_lines(lost: Mapping[str, str]) -> list[str]:
    """Return the losses as text lines."""
    return [f"{key}: {why}" for key, why in sorted(lost.items())]
