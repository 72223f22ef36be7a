"""Digests of what a channel serves: 256 buckets per kind, so that a copy can locate every difference.

A document's line is `<key> <version> <position> <content_digest>\\n`. Its bucket is the first byte of SHA-256(key). The
digest of a bucket is SHA-256 over its lines in order of key; the root is SHA-256 over `<kind> <bucket> <digest>\\n` in
order of kind and bucket.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import select as sa_select
from sqlmodel import Session, col

from services.channels.core.model import AsideRow, DocumentRow

PAGE = 500
ALL_BUCKETS = tuple(f"{number:02x}" for number in range(256))
TOGETHER = 16
"""Buckets whose lines are in memory at once."""


@dataclass(frozen=True, slots=True)
class DigestLine:
    """One served document, as its bucket's digest counts it."""

    key: str
    kind: str
    version: int
    position: int
    content_digest: str


class BucketName(NamedTuple):
    """A bucket of a kind: two hex digits."""

    kind: str
    bucket: str


class BucketDigest(NamedTuple):
    """The digest of a bucket, and the number of its documents."""

    digest: str
    documents: int


BucketDigests = dict[BucketName, BucketDigest]


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
    return combined(bucket_digests(lines))


def bucket_digests(lines: Iterable[DigestLine]) -> BucketDigests:
    """Compute the digest of each bucket that has documents."""
    grouped: dict[BucketName, list[str]] = defaultdict(list)
    for line in sorted(lines, key=lambda line: line.key):
        text = f"{line.key} {line.version} {line.position} {line.content_digest}\n"
        grouped[BucketName(line.kind, bucket_of(line.key))].append(text)
    return {name: BucketDigest(sha256_of("".join(texts)), len(texts)) for name, texts in grouped.items()}


def combined(found: Mapping[BucketName, BucketDigest]) -> Digests:
    """Combine the digests of all buckets."""
    buckets: dict[str, dict[str, str]] = defaultdict(dict)
    counts: dict[str, int] = defaultdict(int)
    for (kind, bucket), (digest, documents) in sorted(found.items()):
        buckets[kind][bucket] = digest
        counts[kind] += documents
    whole = "".join(f"{kind} {bucket} {digest}\n" for kind, by in buckets.items() for bucket, digest in by.items())
    return Digests(sha256_of(whole), dict(buckets), dict(counts))


def stored_digests(
    session: Session, table: type[DocumentRow] | type[AsideRow], wanted: Sequence[str] = ALL_BUCKETS
) -> BucketDigests:
    """Compute the digests of some buckets from the stored bytes, a few buckets at a time."""
    found: BucketDigests = {}
    for start in range(0, len(wanted), TOGETHER):
        found |= bucket_digests(served_lines(session, table, wanted[start : start + TOGETHER]))
    return found


def root_of(session: Session, table: type[DocumentRow] | type[AsideRow]) -> str:
    """Compute the digest over all documents of a table."""
    return combined(stored_digests(session, table)).root


def served_lines(
    session: Session, table: type[DocumentRow] | type[AsideRow] = DocumentRow, wanted: Sequence[str] = ALL_BUCKETS
) -> list[DigestLine]:
    """Read what the store serves in some buckets, with digests of the stored content itself, so that a damaged document
    is noticed.
    """
    columns = [col(getattr(table, name)) for name in ("key", "kind", "version", "position", "content")]
    here = col(table.bucket).in_(in_buckets(wanted))
    query = sa_select(*columns).where(here, col(table.content).is_not(None)).execution_options(yield_per=PAGE)
    names = frozenset(wanted)
    return [
        DigestLine(key, kind, version, position, sha256_of(content))
        for key, kind, version, position, content in session.connection().execute(query)
        if bucket_of(key) in names
    ]


def in_buckets(wanted: Iterable[str]) -> list[str]:
    """Return the values of the column `bucket` under which documents of these buckets may be stored.

    A process of the version before the column, in a rolling upgrade, leaves it empty.
    """
    return [*wanted, ""]


def sha256_of(text: str) -> str:
    """Return the hex SHA-256 of the text in UTF-8."""
    return hashlib.sha256(text.encode()).hexdigest()
