"""Process and rights of subscriptions: it reads of the ledger what anybody may read, so nothing else can leave here.

What hooks tell of a case, mobile has sent for it: a stage, and nothing that names the case.
"""

from contracts.topology import INTEGRATORS_EXCHANGE, SUBSCRIPTIONS
from shared.manifest.model import Account, Dependency, Key, KeyUse, Manifest, Process, Role, Volume

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
            keys=(Key("webhook_key_file", KeyUse.WEBHOOKS, KEY_FOLDER),),
            settings=("webhook_text_days", "webhook_log_days", "hook_hosts", "hook_private"),
            stated=("webhook_networks",),
            serves_without_broker=True,
            outside="webhooks",
            about="integrators' feed, webhooks, queues, and hooks of cases: it alone calls out",
        ),
    ),
    account=Account(SUBSCRIPTIONS, (INTEGRATORS_EXCHANGE,)),
)
