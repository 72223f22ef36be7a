"""Process and rights of the auditor: it reads channels as the public does, and may have them repaired."""

from contracts.topology import AUDITOR
from shared.manifest.model import Dependency, Manifest, Process, Role
from shared.tokens.rights import Right

CALLS = (
    Dependency(Role.LEDGER, frozenset({Right.BODIES, Right.INSPECT})),
    Dependency(Role.SOURCE, frozenset({Right.FEED})),
    Dependency(Role.CHANNEL, frozenset({Right.INSPECT, Right.REPAIR})),
)
SETTINGS = (
    "allowed_delay",
    "audit_interval",
    "audit_peak",
    "audit_poll",
    "audit_rate",
    "audit_repair",
)

MANIFEST = Manifest(
    AUDITOR,
    Role.AUDITOR,
    processes=(Process(AUDITOR, 8095, CALLS, broker=False, settings=SETTINGS, stated=("public_url",)),),
)
