"""Assembles imports over HTTP: own store and folder; catalog and guides are called as the person who asked."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI

from contracts.topology import IMPORTING
from services.importing import api
from services.importing.commands import Imports
from services.importing.engine.sources import CATALOG, GUIDES
from services.importing.jobs.keeping import Keeping
from services.importing.jobs.runner import JobRunner
from services.importing.jobs.sources_client import SourcesClient
from services.importing.jobs.store import JobStore
from services.importing.jobs.upload_folder import UploadFolder
from services.runtime.wiring import Wiring
from shared.config import Settings
from shared.timers import Background
from shared.tokens.minting import Minter, Token
from shared.tokens.person import Person

FOLDER = "imports"
"""In the data folder."""


@dataclass(frozen=True)
class ImportingWiring:
    """The HTTP app, and the jobs that run beside it."""

    api: FastAPI
    runner: JobRunner

    def background(self) -> Mapping[str, Background]:
        """Return what runs beside HTTP, by name."""
        return {"import-jobs": self.runner.run}


def importing(wiring: Wiring) -> ImportingWiring:
    """Return the parts in a process of their own. Raises `SettingsError` without a key for the tokens."""
    tokens = {callee: wiring.token_for(callee) for callee in (CATALOG, GUIDES)}
    return _importing(wiring, tokens, lambda: wiring.settings)


def embedded_importing(wiring: Wiring, key: Ed25519PrivateKey, at: Callable[[], Settings]) -> ImportingWiring:
    """Return the parts with this key. `at` returns where the sources answer."""
    return _importing(wiring, {callee: Minter(IMPORTING, key, callee) for callee in (CATALOG, GUIDES)}, at)


def _importing(wiring: Wiring, tokens: Mapping[str, Token], at: Callable[[], Settings]) -> ImportingWiring:
    def connect(person: Person | None) -> SourcesClient:
        settings = at()
        return SourcesClient({name: settings.url_for(name) for name in tokens}, tokens, person, settings.tls)

    settings = wiring.settings
    folder = UploadFolder(settings.data_dir / FOLDER, settings.import_disk_budget)
    keeping = Keeping(JobStore(wiring.database(IMPORTING)), folder, settings.import_keep_days)
    runner = JobRunner(keeping, connect)
    imports = Imports(keeping.store, folder, keeping, runner.wake)
    return ImportingWiring(api.make(imports, settings), runner)
