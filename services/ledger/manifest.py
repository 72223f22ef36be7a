"""Processes, volumes, accounts and rights of the ledger. Only the sequencer has the signing key."""

from contracts.topology import LEDGER_QUEUES, PUBLICATIONS_EXCHANGE
from shared.manifest.model import Account, Dependency, Key, KeyUse, Manifest, Process, Role, Volume, worker
from shared.tokens.rights import Right

NAME = "ledger"
KEY_FOLDER = Volume("ledger-key", "LEDGER_KEY_FOLDER", "/var/lib/tongyuan", {"data_dir": ""}, writable=True)
KEYS = (Key("data_dir", KeyUse.HEADS, KEY_FOLDER), Key("sm2_key_file", KeyUse.HEADS))

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
            keys=KEYS,
            settings=("backfill_lag", "head_interval", "reconcile_interval", "scrub_interval"),
            stated=("source_keys",),
            about="the sequencer: the only process with the signing key; a second one waits until it stops",
        ),
    ),
    account=Account(NAME, (PUBLICATIONS_EXCHANGE,), LEDGER_QUEUES),
)
