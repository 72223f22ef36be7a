"""Process and rights of subscriptions: it reads of the ledger what anybody may read, so nothing else can leave here."""

from contracts.topology import SUBSCRIPTIONS
from shared.manifest.model import Dependency, Key, KeyUse, Manifest, Process, Role, Volume

# Writable: the process makes the key. Losing it changes every secret and cursor of integrators.
KEY_FOLDER = Volume(
    "subscriptions-key",
    "SUBSCRIPTIONS_KEY_FOLDER",
    "/var/lib/tongyuan-subscriptions",
    {"webhook_key_file": "key"},
    writable=True,
)

MANIFEST = Manifest(
    SUBSCRIPTIONS,
    Role.SUBSCRIPTIONS,
    processes=(
        Process(
            SUBSCRIPTIONS,
            8098,
            calls=(Dependency(Role.LEDGER),),
            broker=False,
            keys=(Key("webhook_key_file", KeyUse.WEBHOOKS, KEY_FOLDER),),
            stated=("webhook_networks",),
            about="integrators' feed, and webhooks to their addresses: it alone calls out",
        ),
    ),
)
