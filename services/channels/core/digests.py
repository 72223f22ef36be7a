"""Digests of what a channel serves: 256 buckets per kind, so that a copy can locate every difference.

A document's line is `<key> <version> <position> <content_digest>\\n`. Its bucket is the first byte of SHA-256(key). The
digest of a bucket is SHA-256 over its lines in order of key; the root is SHA-256 over `<kind> <bucket> <digest>\\n` in
order of kind and bucket.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import select as sa_select
from sqlmodel import Session, col

from services.channels.core.model import AsideRow, DocumentRow

PAGE = 500


@dataclass(frozen=True, slots=True)
class DigestLine:
    """One served document, as its bucket's digest counts it."""

    key: str
    kind: str
    version: int
    position: int
    content_digest: str


@dataclass(frozen=True)
class Digests:
    """`buckets`: kind → bucket (two hex digits) → digest. `root`: digest over all. `counts`: documents per kind."""

    root: str
    buckets: dict[str, dict[str, str]]
    counts: dict[str, int]


def bucket_of(key: str) -> str:
    """Return the bucket of a key, two hex digits."""
    return hashlib.sha256(key.encode()).hexdigest()[:2]


def digest_lines(lines: Iterable[DigestLine]) -> Digests:
    """Compute the digests of a set of documents."""
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


def served_lines(session: Session, table: type[DocumentRow] | type[AsideRow] = DocumentRow) -> list[DigestLine]:
    """Read what the store serves, with digests of the stored content itself, so that a damaged document is noticed."""
    columns = [col(getattr(table, name)) for name in ("key", "kind", "version", "position", "content")]
    query = sa_select(*columns).where(col(table.content).is_not(None)).execution_options(yield_per=PAGE)
    rows = session.connection().execute(query)
    return [
        DigestLine(key, kind, version, position, sha256_of(content)) for key, kind, version, position, content in rows
    ]


def sha256_of(text: str) -> str:
    """Return the hex SHA-256 of the text in UTF-8."""
    return hashlib.sha256(text.encode()).hexdigest()
