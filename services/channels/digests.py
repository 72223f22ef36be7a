"""Digests of what a channel serves, in 256 buckets a kind, so that one page of numbers finds every difference.

A document's line is `<key> <version> <position> <content_digest>\\n`; its bucket the first byte of SHA-256(key); a
bucket's digest SHA-256 over its lines in order of keys; the root SHA-256 over `<kind> <bucket> <digest>\\n` in order.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import select as sa_select
from sqlmodel import Session, col

from services.channels.model import AsideRow, DocumentRow

PAGE = 500


@dataclass(frozen=True, slots=True)
class Line:
    """What is known of one served document."""

    key: str
    kind: str
    version: int
    position: int
    content_digest: str


@dataclass(frozen=True)
class Digests:
    """Per kind, bucket (two hex digits) → digest; and one root over all. `counts`: documents per kind."""

    root: str
    buckets: dict[str, dict[str, str]]
    counts: dict[str, int]


def bucket_of(key: str) -> str:
    """Two hex digits."""
    return hashlib.sha256(key.encode()).hexdigest()[:2]


def digest_lines(lines: Iterable[Line]) -> Digests:
    """Digests of a set of documents."""
    grouped: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    counts: dict[str, int] = defaultdict(int)
    for line in sorted(lines, key=lambda line: line.key):
        text = f"{line.key} {line.version} {line.position} {line.content_digest}\n"
        grouped[line.kind][bucket_of(line.key)].append(text)
        counts[line.kind] += 1
    buckets = {
        kind: {bucket: sha256_of("".join(texts)) for bucket, texts in sorted(by_bucket.items())}
        for kind, by_bucket in sorted(grouped.items())
    }
    whole = "".join(f"{kind} {bucket} {digest}\n" for kind, by in buckets.items() for bucket, digest in by.items())
    return Digests(sha256_of(whole), buckets, dict(counts))


def served_lines(session: Session, table: type[DocumentRow] | type[AsideRow] = DocumentRow) -> list[Line]:
    """What the store holds to be served; digests are of the very bytes, so that a damaged document shows."""
    columns = [col(getattr(table, name)) for name in ("key", "kind", "version", "position", "content")]
    query = sa_select(*columns).where(col(table.content).is_not(None)).execution_options(yield_per=PAGE)
    rows = session.connection().execute(query)
    return [Line(key, kind, version, position, sha256_of(content)) for key, kind, version, position, content in rows]


def sha256_of(text: str) -> str:
    """Hex SHA-256 over the text in UTF-8."""
    return hashlib.sha256(text.encode()).hexdigest()
