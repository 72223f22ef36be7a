"""Processes, accounts and rights of catalog."""

from shared.manifest.model import Manifest, Role
from shared.manifest.sources import IMPORTS, WORD_LISTS, source_account, source_processes

NAME = "catalog"

MANIFEST = Manifest(
    NAME,
    Role.SOURCE,
    processes=source_processes(NAME, 8081, folders=(WORD_LISTS,), settings=("divisions_file", "units_file")),
    account=source_account(NAME),
    editors=True,
    bodies=(IMPORTS,),
)
