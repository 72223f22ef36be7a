"""Entries of a kind that this version does not know, as a newer version's ledger records them."""

from datetime import UTC, datetime
from typing import Any

from contracts.base import Json
from contracts.content.cases import CaseProgress
from contracts.envelope.publication import Lane, Publication, Release
from contracts.kinds import KindEntry
from services.ledger.log.append import record
from shared.transparency.canonical import digest
from tests.harness.pipeline import REGION, Pipeline

NOTICE = "notice:2026-1"
"""A key of an unregistered kind."""


def release_of(key: str, body: Json | None, **fields: Any) -> Release:
    """Return a sealed release as a newer source makes it."""
    said = {
        "source": "catalog",
        "lane": Lane.LIVE,
        "sequence": 1,
        "key": key,
        "kind": key.partition(":")[0],
        "version": 1,
        "op": "release" if body else "withdraw",
        "region": REGION,
        "released_at": datetime.now(UTC),
        "body": body,
        "digest": "0" * 64,
    }
    made = Release.model_validate(said | fields)
    return made.model_copy(update={"digest": digest(made.content())})


def recorded(county: Pipeline, release: Release) -> Publication:
    """Record it in the ledger, bypassing this version's checks."""
    with county.dbs["ledger"].write() as session:
        (entry,) = record(session, [release], county.signer)
        county.dbs["ledger"].notifier.notify(session)
    return entry


def notice_entry() -> KindEntry:
    """Return the newer version's entry for it in the register of kinds; its body model does not matter."""
    return KindEntry(
        name="notice",
        name_pattern=r"[0-9-]+",
        body=CaseProgress,
        source="catalog",
        public=True,
        listed=True,
        erasable=False,
        title="通告",
        words={"release": "released", "withdraw": "withdrawn"},
        when={},
    )
