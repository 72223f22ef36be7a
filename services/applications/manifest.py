"""Processes, accounts and rights of applications. Only its processes can decrypt personal data."""

from dataclasses import replace

from contracts.topology import INTAKE_EXCHANGE, INTAKE_QUEUE
from shared.manifest.model import Account, Dependency, Key, KeyUse, Manifest, Role, Volume
from shared.manifest.sources import source_account, source_processes
from shared.tokens.rights import Right

NAME = "applications"
CATALOG = Dependency("catalog", frozenset({Right.FEED}))
"""The rules of a case are those of its item as released last."""
KEY_FOLDER = Volume("personal-keys", "PERSONAL_KEY_FOLDER", "/var/lib/tongyuan-personal", {"personal_key_file": "keys"})
PERSONAL_KEYS = Key("personal_key_file", KeyUse.PERSONAL_DATA, KEY_FOLDER)
HTTP, WORKER = source_processes(NAME, 8083, (CATALOG,), (CATALOG,), keys=(PERSONAL_KEYS,))

MANIFEST = Manifest(
    NAME,
    Role.SOURCE,
    processes=(replace(HTTP, preset={"canary_interval": "60"}), WORKER),
    account=source_account(NAME, INTAKE_QUEUE),
    # Hall systems that report cases.
    other_accounts=(Account("intake", writes=(INTAKE_EXCHANGE,)),),
    editors=True,
    migrates_with=(replace(KEY_FOLDER, writable=True),),
)
