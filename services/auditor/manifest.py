"""Process and rights of the auditor: it reads channels as the public does, and may have them repaired."""

from contracts.topology import AUDITOR, CHANNELS, SOURCES
from shared.manifest.model import Dependency, Manifest, Process
from shared.tokens.rights import Right

CALLS = (
    Dependency("ledger", frozenset({Right.BODIES, Right.INSPECT})),
    *(Dependency(source, frozenset({Right.FEED})) for source in SOURCES),
    *(Dependency(channel, frozenset({Right.INSPECT, Right.REPAIR})) for channel in CHANNELS),
)

MANIFEST = Manifest(AUDITOR, processes=(Process(AUDITOR, 8095, CALLS, broker=False),))
