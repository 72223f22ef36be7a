"""The row that a channel stores for an entry. The same entry always gives the same bytes."""

from typing import Any

import orjson

from contracts.base import Json, format_time
from contracts.envelope.publication import Op, Publication
from contracts.kinds import unknown
from services.channels.core.announcements import announced
from services.channels.core.digests import bucket_of, sha256_of
from services.channels.core.port import Adapter, source_of
from shared.errors import Broken
from shared.transparency.comparison import is_case_without_body
from shared.transparency.timeline import Timed

Row = dict[str, Any]
SORTED = orjson.OPT_SORT_KEYS
"""Key order of RFC 8785 (docs/adr/0005): a reader can restore the bytes of a document that it has parsed."""


class UnknownKind(Broken):
    """The entry's kind or op was introduced by a newer version of the program; it is parked, not interpreted."""


def document_row(adapter: Adapter, entry: Publication) -> Row:
    """Return the row for an entry; content is None if the channel does not show it. Raises `UnknownKind`."""
    if reason := unknown(entry.kind, entry.op):
        raise UnknownKind(f"{reason}: upgrade this channel, then replay the entry")
    if entry.part_of is not None and entry.effective_at is None:
        raise Broken("a version of a set needs effective_at: it says from when the whole set is shown")
    content = adapter.project(entry) if entry.op == Op.RELEASE else None
    served = None if content is None else written(announced(content, entry) | {"source": source_of(entry)})
    return {
        "key": entry.key,
        "kind": entry.kind,
        "bucket": bucket_of(entry.key),
        "version": entry.version,
        "position": entry.position,
        "digest": entry.digest,
        "content_digest": None if served is None else sha256_of(served),
        "effective_at": format_time(entry.effective_at) if entry.effective_at else None,
        "expires_at": format_time(entry.expires_at) if entry.expires_at else None,
        "released_at": format_time(entry.released_at),
        "starts_at": format_time(Timed.of(entry).starts),
        "content": served,
        "part_of": entry.part_of,
    }


def written(document: Json) -> str:
    """Return the bytes of a document as text."""
    return orjson.dumps(document, option=SORTED).decode()


def row_of(adapter: Adapter, entry: Publication) -> Row:
    """Like `document_row`, but returns a tombstone for a case version whose body was erased by law.

    The channel's token gives it every body, so a missing body means that it was erased.
    """
    return document_row(adapter, entry.model_copy(update={"op": Op.WITHDRAW}) if is_case_without_body(entry) else entry)
