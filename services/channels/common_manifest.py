"""The part of the manifest that all channels have in common; each channel's own manifest adds what differs."""

from contracts.topology import FILES_SOURCE, publications_queue
from shared.manifest.model import Account, Dependency, Key, KeyUse, Manifest, Outsider, Process, Role, worker
from shared.tokens.rights import Right

LEDGER = Dependency(Role.LEDGER, frozenset({Right.BODIES}))
"""For gaps in the queue, rebuilds, and earlier versions of a document."""

FILES = Dependency(FILES_SOURCE, frozenset({Right.FILES}))
"""For the forms and samples that shown guides name."""

WITNESS_KEY = Key("witness_key_file", KeyUse.COSIGNATURES)
READING = ("drill_interval", "ledger_keys")
SERVING = ("feedback_limit", "lookup_case_limit", "lookup_limit", "site_id")


def channel_manifest(
    name: str,
    port: int,
    title: tuple[str, str],
    *,
    sends: dict[str, str] | None = None,
    settings: tuple[str, ...] = (),
    calls: tuple[Dependency, ...] = (),
    outsiders: tuple[Outsider, ...] = (),
) -> Manifest:
    """Return the manifest of a channel.

    `port`: the port on this machine for its HTTP; channels are listed in the order of their ports. `title`: see
    `Manifest`. `sends`: exchange → pattern of the routing keys it may write. `settings`, `calls`: what
    its HTTP reads and calls beside those of every channel.
    """
    sends = sends or {}
    return Manifest(
        name,
        Role.CHANNEL,
        processes=(
            Process(
                name,
                port,
                (LEDGER, FILES, *calls),
                broker=bool(sends),
                keys=(WITNESS_KEY,),
                settings=(*READING, *SERVING, *settings),
                stated=("public_url",),
                serves_without_broker=True,
            ),
            worker(name, LEDGER, settings=(*READING, "reconcile_interval")),
        ),
        account=Account(name, tuple(sends), (publications_queue(name),), sends),
        outsiders=outsiders,
        title=title,
    )
