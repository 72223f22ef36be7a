"""Common parts of the manifests of the three sources."""

from contracts.kinds import kinds_owned_by
from contracts.topology import BACKFILL_EXCHANGE, SOURCES_EXCHANGE
from shared.manifest.model import Account, Dependency, Key, KeyUse, Process, Role, Volume, worker
from shared.tokens.rights import Right

ADMIN_TOKEN = "admin_token_hash"  # noqa: S105  # the name of a setting
WORD_LISTS = Volume(
    "word-lists",
    "WORD_LISTS_FOLDER",
    "/var/lib/tongyuan-word-lists",
    {"word_lists": ""},
    host="TONGYUAN_WORD_LISTS",
)
"""The county's word lists for reviewers, which both sources with reviews read and nobody writes."""

Calls = tuple[Dependency, ...]
Processes = tuple[Process, ...]
TO_LEDGER = Dependency(Role.LEDGER, frozenset({Right.RECORDING}))


def source_processes(
    name: str,
    port: int,
    calls: Calls = (),
    of_worker: Calls = (),
    *,
    keys: tuple[Key, ...] = (),
    folders: tuple[Volume, ...] = (),
    settings: tuple[str, ...] = (),
) -> Processes:
    """Return the HTTP process for editors, with the service's relay, and the worker. Both sign what they release.

    `calls`: of the HTTP process, beside the ledger; `of_worker`: of the worker; `keys`, `folders`, `settings`:
    of both.
    """
    # Writable: whichever of the two starts first makes the key.
    signing = Volume(
        f"{name}-key", f"{name.upper()}_KEY_FOLDER", f"/var/lib/tongyuan-{name}", {"source_key_file": "key.pem"}, True
    )
    held = (*keys, Key("source_key_file", KeyUse.RELEASES, signing))
    of_http = (*settings, "reconcile_interval")
    return (
        Process(name, port, (*calls, TO_LEDGER), keys=held, secrets=(ADMIN_TOKEN,), folders=folders, settings=of_http),
        worker(name, *of_worker, keys=held, folders=folders, settings=settings),
    )


def source_account(name: str, *queues: str) -> Account:
    """Return an account that may release only its own kinds and read only its own queues."""
    exchanges = (SOURCES_EXCHANGE, BACKFILL_EXCHANGE)
    pattern = rf"^[0-9]{{12}}\.({'|'.join(kinds_owned_by(name))})\."
    return Account(name, exchanges, queues, dict.fromkeys(exchanges, pattern))
