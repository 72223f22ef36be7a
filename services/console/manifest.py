"""Process and rights of the desk. Its tokens name the person for whom it acts."""

from contracts.topology import AUDITOR, CONSOLE, IMPORTING
from shared.manifest.model import Dependency, Manifest, Process, Role
from shared.tokens.rights import Right

CALLS = (
    Dependency(Role.SOURCE, frozenset({Right.WRITE, Right.FEED, Right.INSPECT})),
    Dependency(
        Role.LEDGER,
        frozenset({Right.BODIES, Right.RECORDING, Right.INSPECT, Right.OPERATE, Right.AUDIT_HEAD}),
    ),
    Dependency(Role.CHANNEL, frozenset({Right.INSPECT, Right.REPAIR, Right.OPERATE, Right.PREVIEW})),
    Dependency(AUDITOR, frozenset({Right.INSPECT})),
    Dependency(IMPORTING, frozenset({Right.WRITE})),
)

MANIFEST = Manifest(
    CONSOLE,
    Role.DESK,
    processes=(
        Process(
            CONSOLE,
            8096,
            CALLS,
            broker=False,
            for_people=True,
            about="for staff: never at the public gateway",
        ),
    ),
)
