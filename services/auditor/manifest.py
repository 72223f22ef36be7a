"""Process and rights of the auditor: it reads channels as the public does, and may have them repaired."""

from contracts.topology import AUDITOR
from shared.manifest.model import Dependency, Manifest, Process, Role
from shared.tokens.rights import Right

CALLS = (
    Dependency(Role.LEDGER, frozenset({Right.BODIES, Right.INSPECT})),
    Dependency(Role.SOURCE, frozenset({Right.FEED})),
    Dependency(Role.CHANNEL, frozenset({Right.INSPECT, Right.REPAIR})),
)

MANIFEST = Manifest(AUDITOR, Role.AUDITOR, processes=(Process(AUDITOR, 8095, CALLS, broker=False),))
