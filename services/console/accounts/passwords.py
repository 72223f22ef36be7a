"""Passwords: hashed with Argon2id, compared in equal time for accounts that exist and accounts that do not.

Parameters: OWASP Password Storage Cheat Sheet. 19 MiB a hash, so a few at once fit into the process's memory.
"""

from functools import cache
from threading import BoundedSemaphore

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

LONGEST = 256
"""Characters of a password that are hashed; a longer one is refused, never shortened."""

MOST_AT_ONCE = 4
_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1, type=Type.ID)
_few = BoundedSemaphore(MOST_AT_ONCE)


def hashed(password: str) -> str:
    """Return the hash in PHC string format."""
    with _few:
        return _hasher.hash(password)


def is_right(password: str, known: str | None) -> bool:
    """Whether the password has this hash; without one, False after the same time."""
    if len(password) > LONGEST:
        return False
    with _few:
        try:
            _hasher.verify(known or _of_nobody(), password)
        except (VerificationError, InvalidHashError):
            return False
    return known is not None


def is_outdated(known: str) -> bool:
    """Whether the hash was made with other parameters than today's."""
    return _hasher.check_needs_rehash(known)


@cache
def _of_nobody() -> str:
    return _hasher.hash("the password of an account that does not exist")
