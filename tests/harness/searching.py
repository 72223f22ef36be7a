"""S10 and K1 after a fault run: searches everything public, and everything stored, for personal data and secrets.

Findings become lines of the history, and `tests.harness.invariants` judges them.
"""

import base64
import re
from collections.abc import Iterator
from pathlib import Path

from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from tests.harness.blows import Site
from tests.harness.callers import NAMES, key_of
from tests.harness.casework import CaseOffice
from tests.harness.county import ADMIN, SERVICE, SERVICES
from tests.harness.residue import dumped, files, public, queued
from tests.harness.traces_of_people import Search

PRIVATE = "applications"
"""The only service whose store holds personal data."""

BROKERS_OWN = ("rabbitmq.conf", "state.json", "home/", "out")
"""Files in which the harness itself keeps the broker's password."""


def search(site: Site, office: CaseOffice | None = None) -> None:
    """Search everything; `office` has the answers that clerks and applicants got."""
    history = site.history
    secrets = set(secrets_of(site))
    history.secrets |= secrets
    looking = Search(history.persons | secrets)
    places = dict(_places(site))
    if office is not None:
        places["answers about cases"] = bytes(office.answers)
    for where, content in places.items():
        for token in looking.tokens(content):
            history.add("searcher", "found", what=where, note=token)


def secrets_of(site: Site) -> Iterator[str]:
    """Yield every secret of this county, in each form in which it may be written."""
    yield from (ADMIN, SERVICE, *map(key_of, NAMES), site.rabbit.password, site.database_password)
    folder = Path(site.county.env["TONGYUAN_DATA_DIR"])
    yield from (token for token in re.findall(r"[\w+/=-]{32,}", (folder / "personal-keys").read_text()))
    keys = sorted(folder.rglob("*.pem"))
    assert keys, "the county has no signing key"
    for file in keys:
        key = load_pem_private_key(file.read_bytes(), None)
        seed = key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
        yield from (seed.hex(), base64.b64encode(seed).decode(), file.read_text().splitlines()[1])


def _places(site: Site) -> Iterator[tuple[str, bytes]]:
    yield from public(site.county, [])
    yield from queued(site.rabbit.url)
    for name in SERVICES:
        if name != PRIVATE:
            yield f"{name} database", dumped(site.postgres, site.database, name)
    for file, content in files(site.rabbit.folder).items():
        if not file.startswith(BROKERS_OWN):
            yield f"broker {file}", content
