"""One channel: follows the ledger into its own store and shows only what the ledger proves."""

from collections.abc import Callable, Iterable, Sequence

from contracts.envelope.publication import Head
from services.channels.core.port import Adapter
from services.channels.core.store import ChannelStore
from services.channels.trust.continuity import AnotherHistory, Continuity, Halted
from services.channels.trust.ledger_keys import Witness
from services.channels.trust.proven_log import ProvenLog
from shared import log
from shared.county.identity import Identity
from shared.database.engine import Database
from shared.errors import UpstreamDown
from shared.feeds.follower import Follower, decode, refusal, take_heads
from shared.feeds.upstream import LedgerReader
from shared.messaging.delivery import Message, Refusal
from shared.transparency.proof import LedgerEntry, Unproven

_log = log.get("channel")


class Channel:
    """The parts of a channel, in the order in which an entry passes through them. Thread-safe.

    `log`         reads the ledger and rejects entries without a valid proof
    `continuity`  checks that the ledger still continues what was applied
    `store`       applies entries; documents and position change in one transaction
    `follower`    decides which entries are applied next and fetches missing ones

    Implements `FollowedLog` and `HeadReader` for its follower.
    """

    def __init__(
        self,
        db: Database,
        adapter: Adapter,
        ledger: LedgerReader,
        keys: Iterable[str] = (),
        county: Identity | None = None,
        *,
        begin: Callable[["Channel"], object] = lambda _channel: None,
    ) -> None:
        """`keys`: verifier keys to trust, see `Witness`. `county`: the county whose ledger it follows; None: any.

        `begin(channel)` is called before any entry is taken; see `bootstrap`.
        """
        self.service, self.db, self.ledger = adapter.name, db, ledger
        self.county = county or Identity()
        self.witness = Witness(db, ledger, keys, self.county.origin)
        self.log = ProvenLog(self.service, ledger, self.witness)
        self.follower = Follower(self.service, self)
        self.continuity = Continuity(db, ledger, self.witness, self.log, lambda: self.follower.is_at(None))
        self.store = ChannelStore(db, adapter)
        self._begin = begin

    @property
    def adapter(self) -> Adapter:
        """What the store shows of an entry."""
        return self.store.adapter

    def take(self, messages: Sequence[Message]) -> list[Refusal]:
        """Handle a batch from the queue. Raises `Halted`, and `Unavailable` if the ledger is needed and cannot be
        reached.

        Messages are acknowledged after this returns. If we die before that, the broker delivers them again, and
        entries that were already applied are recognised by their position.
        """
        self._begin(self)
        self.continuity.require_going_on()
        try:
            return self._taken(messages)
        except AnotherHistory as error:
            # Either the ledger was replaced (`Halted`), or these entries belong to a ledger that no longer exists.
            self.continuity.require_lineage()
            self.catch_up()
            refused = Unproven(str(error))
            return [refusal(self.service, index, message, refused) for index, message in enumerate(messages)]

    def reconcile(self, *, patient: bool = False) -> int:
        """Fetch missing entries and the newest head from the ledger. Return the number of entries fetched one by one.

        `patient`: leave entries that are still arriving by the queue to the queue. A halted channel fetches nothing and
        raises nothing, because the county must start in order to be repaired. Raises `Unavailable`.
        """
        self._begin(self)
        self.store.warn_of_sets()
        try:
            fetched = self.follower.catch_up_if_stuck() if patient else self.catch_up()
            head = self.ledger.head()
            if head.size <= self.position():
                self.on_head(head)
        except Halted:
            return 0
        return fetched

    def catch_up(self) -> int:
        """See `Follower.catch_up`. Raises `Halted`, `Unavailable`."""
        return self.follower.catch_up()

    def turn_pages(self) -> int:
        """See `ChannelStore.turn_pages`."""
        return self.store.turn_pages()

    def position(self) -> int:
        """See `FollowedLog`."""
        return self.store.position()

    def number_of(self, entry: LedgerEntry) -> int:
        """See `FollowedLog`."""
        return entry.position

    def apply(self, entries: Sequence[LedgerEntry]) -> None:
        """See `FollowedLog`. Raises `AnotherHistory` if the entries do not continue what was applied, and `Halted`."""
        self.continuity.require_continued(entries)
        # If we die before this line, nothing of the run is shown; after it, the entries and the position are stored.
        self.store.apply(entries)
        self.continuity.applied(entries[-1])

    def fetch(self, after: int, limit: int) -> Sequence[LedgerEntry]:
        """See `FollowedLog`. Raises `Halted`."""
        self.continuity.require_lineage()
        entries = self.log.entries(after, limit)
        for entry in entries:
            self.store.inspect(entry)
        return entries

    def believes(self, head: Head) -> bool:
        """See `HeadReader`."""
        return self.witness.check(head)

    def on_head(self, head: Head) -> None:
        """Remember a head that continues the anchor. One that cannot be proven now is remembered and proven later."""
        if not self.witness.accepts(head):
            return
        try:
            self.continuity.prove(head)
        except Halted:
            return
        except UpstreamDown as error:
            _log.info("head not verified yet", channel=self.service, reason=str(error))
        self.store.remember_head(head)

    def _taken(self, messages: Sequence[Message]) -> list[Refusal]:
        batch = decode(self.service, messages, LedgerEntry, self.log.proven)
        if batch.entries and batch.entries[0].position <= self.follower.where():
            self._compare_again()
        # If we die before `apply` commits, nothing is acknowledged: the broker delivers the batch again.
        self.follower.advance(batch.entries)
        take_heads(self.follower, self, batch, messages)
        # If we die here, the entries are stored; the broker delivers the batch again, and `advance` drops it.
        return batch.refusals

    def _compare_again(self) -> None:
        """Compare with the ledger: entries delivered again may come from a ledger that went back. Raises `Halted`."""
        try:
            self.continuity.require_lineage()
        except UpstreamDown as error:
            _log.info("not compared with the ledger", channel=self.service, reason=str(error))
