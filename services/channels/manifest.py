"""The part of the manifest that all channels have in common; each channel's own manifest adds what differs."""

from contracts.topology import publications_queue
from shared.manifest.model import Account, Dependency, Manifest, Outsider, Process, worker
from shared.tokens.rights import Right

LEDGER = Dependency("ledger", frozenset({Right.BODIES}))
"""For gaps in the queue, rebuilds, and earlier versions of a document."""


def channel_manifest(
    name: str, port: int, *, sends: dict[str, str] | None = None, outsiders: tuple[Outsider, ...] = ()
) -> Manifest:
    """`port`: the port on this machine for its HTTP. `sends`: exchange → pattern of the routing keys it may write."""
    sends = sends or {}
    return Manifest(
        name,
        processes=(
            Process(name, port, (LEDGER,), broker=bool(sends), serves_without_broker=True),
            worker(name, LEDGER),
        ),
        account=Account(name, tuple(sends), (publications_queue(name),), sends),
        outsiders=outsiders,
    )
