"""Processes, volumes, accounts and rights of the ledger. Only the sequencer has the signing key."""

from contracts.topology import LEDGER_QUEUES, PUBLICATIONS_EXCHANGE
from shared.manifest.model import Account, Dependency, Manifest, Process, Role, Volume, worker
from shared.tokens.rights import Right

NAME = "ledger"
KEY = Volume("ledger-key", "LEDGER_KEY_FOLDER", "/var/lib/tongyuan", {"data_dir": ""}, writable=True)

MANIFEST = Manifest(
    NAME,
    Role.LEDGER,
    processes=(
        Process(NAME, 8084),
        worker(
            NAME,
            Dependency(Role.SOURCE, frozenset({Right.FEED})),
            # Their positions: imports wait while a channel is behind.
            Dependency(Role.CHANNEL),
            volumes=(KEY,),
            stated=("source_keys",),
            about="the sequencer; the only process with the signing key. A second one waits until the first is gone",
        ),
    ),
    account=Account(NAME, (PUBLICATIONS_EXCHANGE,), LEDGER_QUEUES),
)
