"""How large the body of a request may be. Manifests declare the exceptions.

The services' limits, the memory that a process sets aside for bodies and the gateways' configurations follow from them.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

MIB = 1_048_576
MOST = MIB
"""Bytes of a body where nothing else is declared."""

LARGEST = 33 * MIB
"""Bytes that any declaration may allow: a process has room for one body of this size and small ones beside it."""

IMPORT = 32 * MIB
"""Rows of an import, or a file of 32 MB as it is uploaded."""


@dataclass(frozen=True, slots=True)
class BodySize:
    """Requests whose path below their service matches `path` may have bodies of `most` bytes. `what`: what they carry.

    `path`: a regular expression that Python and nginx read alike; it begins with `/`.
    """

    path: str
    most: int
    what: str

    def __post_init__(self) -> None:
        if not self.path.startswith("/") or not MOST < self.most <= LARGEST:
            raise ValueError(f"{self.path}: must begin with /, and allow more than {MOST} and at most {LARGEST} bytes")


def most_bytes(sizes: Sequence[BodySize], path: str) -> int:
    """Return how many bytes a body may have that is sent to a path below its service."""
    return next((one.most for one in sizes if re.fullmatch(one.path, path)), MOST)
