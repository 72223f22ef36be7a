"""A channel that starts with nothing before a long ledger begins with a snapshot, and follows the log from there.

It is built aside and swapped in, as a rebuild is: nobody sees half a channel, and whoever is killed starts over.
"""

from collections.abc import Iterable, Sequence

from services.channels.lineage import AnchoredChannel
from services.channels.port import Adapter
from services.channels.rebuild import Rebuild
from services.channels.snapshot import PAYS_FROM
from shared import log, metrics
from shared.database import Database
from shared.delivery import Message, Refusal
from shared.errors import Broken, Refused, Unavailable
from shared.upstream import LedgerReader

_log = log.get("starting")


class StartingChannel(AnchoredChannel):
    """The channel as processes run it."""

    def __init__(
        self,
        db: Database,
        adapter: Adapter,
        ledger: LedgerReader,
        keys: Iterable[str] = (),
        *,
        pays_from: int = PAYS_FROM,
    ) -> None:
        """`pays_from`: entries in a ledger from which on a snapshot is read at the start."""
        super().__init__(db, adapter, ledger, keys)
        self._pays_from = pays_from
        self._begun = False

    def take(self, messages: Sequence[Message]) -> list[Refusal]:
        """See `Follower`. Raises `Unavailable` while the ledger cannot be asked for its snapshot."""
        self._begin()
        return super().take(messages)

    def reconcile(self, *, patient: bool = False) -> int:
        """See `Channel`. How many entries were taken one by one: those that a snapshot stands for are not counted."""
        self._begin()
        return super().reconcile(patient=patient)

    def _begin(self) -> None:
        if self._begun:
            return
        with self._turn:
            if self.position() == 0 and self._pays():
                self._load()
            self._begun |= self.position() > 0

    def _pays(self) -> bool:
        try:
            return self.ledger.head().size >= self._pays_from
        except Unavailable:
            # What comes by the queue from entry 1 on needs nobody else; anything later will have to be asked for.
            return False

    def _load(self) -> None:
        try:
            *_, done = Rebuild(self, pays_from=self._pays_from).run()
        except (Broken, Refused) as error:
            # The log gives the same, later. A ledger that is older than snapshots has none.
            metrics.snapshot_refused.labels(self.service).inc()
            _log.error("snapshot not taken: reads every entry", channel=self.service, reason=str(error))
            self._begun = True
            return
        metrics.position.labels(self.service).set(done.position)
        _log.info("begun with a snapshot", channel=self.service, keys=done.keys, size=done.snapshot, at=done.position)
