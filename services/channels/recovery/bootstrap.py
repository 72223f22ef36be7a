"""Starts an empty channel from a snapshot when the ledger is long; afterwards it follows the log.

The snapshot is built aside and swapped in one transaction, like a rebuild, so readers never see half a channel. If we
die before the swap, the channel is still empty and starts again.
"""

from collections.abc import Iterable

from services.channels.core.channel import Channel
from services.channels.core.port import Adapter
from services.channels.recovery.rebuild import Rebuild
from services.channels.trust.snapshot import PAYS_FROM
from shared import log, metrics
from shared.county.identity import Identity
from shared.database.engine import Database
from shared.errors import Broken, Refused, Unavailable
from shared.feeds.upstream import LedgerReader

_log = log.get("starting")


def starting_channel(
    db: Database,
    adapter: Adapter,
    ledger: LedgerReader,
    keys: Iterable[str] = (),
    county: Identity | None = None,
    *,
    pays_from: int = PAYS_FROM,
) -> Channel:
    """Return a channel that bootstraps itself. For the arguments see `Channel`; for `pays_from` see `Bootstrap`."""
    return Channel(db, adapter, ledger, keys, county, begin=Bootstrap(pays_from).begin)


class Bootstrap:
    """Loads the snapshot of an empty channel, once."""

    def __init__(self, pays_from: int = PAYS_FROM) -> None:
        """`pays_from`: size of the ledger, in entries, from which a snapshot is used."""
        self._pays_from = pays_from
        self._begun = False

    def begin(self, channel: Channel) -> None:
        """Load the snapshot if the channel is empty and the ledger long. Raises `Unavailable` if it cannot be read."""
        if self._begun:
            return
        with channel.follower.turn:
            if channel.position() == 0 and self._pays(channel):
                self._load(channel)
            self._begun |= channel.position() > 0

    def _pays(self, channel: Channel) -> bool:
        try:
            return channel.ledger.head().size >= self._pays_from
        except Unavailable:
            # Entries that arrive by the queue from position 1 on need no ledger; a gap will be fetched later.
            return False

    def _load(self, channel: Channel) -> None:
        name = channel.service
        try:
            *_, done = Rebuild(channel, pays_from=self._pays_from).run()
        except (Broken, Refused) as error:
            # Fall back to reading every entry: the result is the same. A ledger older than snapshots has none.
            metrics.snapshot_refused.labels(name).inc()
            _log.error("snapshot refused: reading every entry", channel=name, reason=str(error))
            self._begun = True
            return
        metrics.position.labels(name).set(done.position)
        _log.info("started from a snapshot", channel=name, keys=done.keys, size=done.snapshot, at=done.position)
