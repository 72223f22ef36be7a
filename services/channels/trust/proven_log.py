"""The ledger as a channel reads it: only entries that are proven to be in the signed log."""

from services.channels.core.port import require_readable
from services.channels.trust.ledger_keys import Witness
from shared.feeds.follower import verified_run, vouched
from shared.feeds.upstream import LedgerReader
from shared.transparency.proof import LedgerEntry, Prover


class ProvenLog:
    """Entries of one ledger, each proven with the keys that a witness trusts."""

    def __init__(self, channel: str, ledger: LedgerReader, witness: Witness) -> None:
        self._channel, self._ledger = channel, ledger
        self._prover = Prover(witness.opened)

    def proven(self, entry: LedgerEntry) -> LedgerEntry:
        """Return an entry from the queue if it is the ledger's. Raises `Broken`, and `Unavailable` if undecided."""
        return self._prover.proven(entry)

    def vouched(self, entry: LedgerEntry) -> LedgerEntry:
        """Return an entry read from the ledger. Raises `UpstreamDown` if it is not proven, or its body is withheld."""
        return vouched(self._channel, entry, entry.position, self._readable)

    def entries(self, after: int, limit: int) -> list[LedgerEntry]:
        """Return the entries after `after`, without holes; see `verified_run`."""
        found = self._ledger.entries(after, limit)
        return verified_run(self._channel, found, after, position_of, self._readable)

    def _readable(self, entry: LedgerEntry) -> LedgerEntry:
        # A withheld body would otherwise be taken for an erased one.
        require_readable(self._channel, entry)
        return self._prover.proven(entry)


def position_of(entry: LedgerEntry) -> int:
    """Return the entry's number in the ledger."""
    return entry.position
