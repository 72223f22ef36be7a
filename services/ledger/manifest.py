"""Processes, volumes, accounts and rights of the ledger. Only the sequencer has the signing key."""

from contracts.topology import CHANNELS, LEDGER_QUEUES, PUBLICATIONS_EXCHANGE, SOURCES
from shared.manifest.model import Account, Dependency, Manifest, Process, Volume, worker
from shared.tokens.rights import Right

NAME = "ledger"
KEY = Volume("ledger-key", "LEDGER_KEY_FOLDER", "/var/lib/tongyuan", {"data_dir": ""}, writable=True)

MANIFEST = Manifest(
    NAME,
    processes=(
        Process(NAME, 8084),
        worker(
            NAME,
            *(Dependency(source, frozenset({Right.FEED})) for source in SOURCES),
            # Their positions: imports wait while a channel is behind.
            *(Dependency(channel) for channel in CHANNELS),
            volumes=(KEY,),
            stated=("source_keys",),
            about="the sequencer: the only process with the signing key; a second one waits until it stops",
        ),
    ),
    account=Account(NAME, (PUBLICATIONS_EXCHANGE,), LEDGER_QUEUES),
)
