"""What the audit log says of a change of an edition."""

import hashlib
from collections.abc import Iterable
from typing import Any

import orjson

from contracts.base import Json
from contracts.envelope.publication import Release
from shared.audit.differences import differences
from shared.audit.recording import AuditEntry
from shared.publishing.editions.model import EditionRow, ReleasingSource, moment


def standing(row: EditionRow) -> Json:
    """Return what identifies the state of an edition: revision, state, version, and the digests of both bodies."""
    return {
        "revision": row.revision,
        "state": row.state,
        "version": row.version,
        "draft": hashlib.sha256(row.draft.encode()).hexdigest() if row.draft else None,
        "released": row.released_digest,
    }


def entry(
    action: str,
    who: ReleasingSource,
    row: EditionRow,
    before: Json | None,
    releases: Iterable[Release] = (),
    review: Json | None = None,
) -> AuditEntry:
    """Return the entry of a change of a row, with what was released by it. `review`: see `Cleared.told`."""
    made = [_told(one) for one in releases if one.key == who.key(row.code)]
    return AuditEntry(action, who.key(row.code), before, {**standing(row), "releases": made, **(review or {})})


def saved(who: ReleasingSource, row: EditionRow, before: Json | None, old_draft: str | None) -> AuditEntry:
    """Return the entry of a saved draft, with the fields that differ."""
    changes = differences(orjson.loads(old_draft) if old_draft else None, orjson.loads(row.draft))
    return AuditEntry("save", who.key(row.code), before, standing(row), changes)


def _told(release: Release) -> dict[str, Any]:
    return {
        "version": release.version,
        "op": release.op,
        "digest": release.digest,
        "lane": release.lane,
        "effective_at": moment(release.effective_at),
        "expires_at": moment(release.expires_at),
    }
