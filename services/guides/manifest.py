"""Processes, accounts and rights of guides."""

from contracts.topology import FEEDBACK_QUEUE, GUIDES_QUEUE
from shared.manifest.model import Dependency, Manifest, Role
from shared.manifest.sources import FILE_BODY, IMPORTS, WORD_LISTS, source_account, source_processes
from shared.tokens.rights import Right
from shared.web.body_sizes import BodySize

NAME = "guides"
FILES = BodySize("/v1/files", FILE_BODY, "a form or a sample")

MANIFEST = Manifest(
    NAME,
    Role.SOURCE,
    # A scheduled item's body is withheld from readers without this right; its guide goes with it.
    processes=source_processes(
        NAME, 8082, of_worker=(Dependency(Role.LEDGER, frozenset({Right.BODIES})),), folders=(WORD_LISTS,)
    ),
    account=source_account(NAME, GUIDES_QUEUE, FEEDBACK_QUEUE),
    editors=True,
    bodies=(IMPORTS, FILES),
)
