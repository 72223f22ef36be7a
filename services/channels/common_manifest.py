"""The part of the manifest that all channels have in common; each channel's own manifest adds what differs."""

from contracts.topology import publications_queue
from shared.manifest.model import Account, Dependency, Manifest, Outsider, Process, Role, worker
from shared.tokens.rights import Right

LEDGER = Dependency(Role.LEDGER, frozenset({Right.BODIES}))
"""For gaps in the queue, rebuilds, and earlier versions of a document."""


def channel_manifest(
    name: str,
    port: int,
    title: tuple[str, str],
    *,
    sends: dict[str, str] | None = None,
    outsiders: tuple[Outsider, ...] = (),
) -> Manifest:
    """Return the manifest of a channel.

    `port`: the port on this machine for its HTTP; channels are listed in the order of their ports. `title`: see
    `Manifest`. `sends`: exchange → pattern of the routing keys it may write.
    """
    sends = sends or {}
    return Manifest(
        name,
        Role.CHANNEL,
        processes=(
            Process(name, port, (LEDGER,), broker=bool(sends), serves_without_broker=True),
            worker(name, LEDGER),
        ),
        account=Account(name, tuple(sends), (publications_queue(name),), sends),
        outsiders=outsiders,
        title=title,
    )
