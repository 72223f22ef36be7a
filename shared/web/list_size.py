"""Lists are limited by bytes as well as by number, and the database returns no more than a response holds.

A page cut by bytes tells where to continue, like a full one. It always has its first element, however large.
"""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, SQLColumnExpression, func, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction

MOST_BYTES = 1_048_576
"""Bytes of text in one page, in UTF-8. What a list adds to each element (a proof, a place) is small in comparison."""


class octets(GenericFunction[int]):  # noqa: N801  # an SQL function
    """Bytes of a text; PostgreSQL returns this for a long text without reading it."""

    type = Integer()
    inherit_cache = True


@compiles(octets)
def _octet_length(element: Any, compiler: Any, **more: Any) -> str:
    return f"octet_length({compiler.process(element.clauses, **more)})"


@compiles(octets, "sqlite")
def _octet_length_sqlite(element: Any, compiler: Any, **more: Any) -> str:
    # SQLite has octet_length only since 3.43.
    return f"length(CAST({compiler.process(element.clauses, **more)} AS BLOB))"


def first_within(
    place: SQLColumnExpression[Any],
    texts: tuple[SQLColumnExpression[Any], ...],
    *conditions: ColumnElement[bool],
    limit: int,
    most: int = MOST_BYTES,
) -> Select[Any]:
    """Select the values of `place`, a unique column, that fit on a page, in order of `place`.

    A page has at most `limit` rows and at most `most` bytes of `texts` together, but at least one row. For
    `WHERE place IN (…)`: the texts themselves are not read here.
    """
    size = sum((func.coalesce(octets(one), 0) for one in texts[1:]), func.coalesce(octets(texts[0]), 0))
    measured = (
        select(place.label("place"), size.label("size")).where(*conditions).order_by(place).limit(limit).subquery()
    )
    so_far = func.sum(measured.c.size).over(order_by=measured.c.place)
    running = select(measured.c.place, measured.c.size, so_far.label("so_far")).subquery()
    return select(running.c.place).where((running.c.so_far <= most) | (running.c.so_far == running.c.size))


def taken(sizes: Sequence[int], most: int = MOST_BYTES) -> int:
    """Return how many elements fit on a page; at least one if there are any. `sizes`: bytes of each, in order."""
    return max(bisect_right(list(accumulate(sizes)), most), min(1, len(sizes)))
