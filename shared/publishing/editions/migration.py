"""The migration that separates draft and released body, for catalog and guides alike.

Frozen: it refers to the tables as they were at this migration, so it uses none of today's models.
"""

import itertools
from collections.abc import Iterator
from typing import Any

import orjson
import sqlalchemy as sa
from alembic import op
from sqlalchemy import Connection, text

from shared.database.migration_env import compress_quickly

RUN = 500
FOLLOWING = text("SELECT code, state FROM edition WHERE code > :after ORDER BY code LIMIT :limit")
VERSIONS = text("SELECT document FROM release WHERE key = :key ORDER BY version")
FILL = text(
    "UPDATE edition SET released = :released, content_version = :content_version, starts_from = :content_version, "
    "expires_at = :expires_at, planned_until = :planned_until, returns = :returns WHERE code = :code"
)


def keep_released_apart(kind: str) -> None:
    """Add the columns and fill them from the releases of each key."""
    for column in (
        sa.Column("starts_from", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("released", sa.Text(), nullable=True),
        sa.Column("content_version", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("expires_at", sa.String(length=27), nullable=True),
        sa.Column("planned_until", sa.String(length=27), nullable=True),
        sa.Column("returns", sa.Text(), nullable=True),
    ):
        op.add_column("edition", column)
    compress_quickly("edition", "released")
    connection = op.get_bind()
    for code, state in _editions(connection):
        rows = connection.execute(VERSIONS, {"key": f"{kind}:{code}"})
        values = _values([orjson.loads(row.document) for row in rows], state)
        if values is not None:
            connection.execute(FILL, {"code": code, **values})


def _editions(connection: Connection) -> Iterator[tuple[str, str]]:
    after = ""
    while rows := connection.execute(FOLLOWING, {"after": after, "limit": RUN}).all():
        yield from ((row.code, row.state) for row in rows)
        after = rows[-1].code


def _values(releases: list[dict[str, Any]], state: str) -> dict[str, Any] | None:
    bodies = [release for release in releases if release["op"] == "release" and release["body"] is not None]
    if not bodies:
        return None
    newest = bodies[-1]
    text_of = orjson.dumps(newest["body"], option=orjson.OPT_SORT_KEYS).decode()
    same = itertools.takewhile(lambda release: release["body"] == newest["body"], reversed(bodies))
    first = list(same)[-1]
    away = state in ("hidden", "suspended")
    return {
        "released": text_of,
        "content_version": first["version"],
        "expires_at": newest["expires_at"] if state == "released" else None,
        "planned_until": max((r["effective_at"] for r in releases if r["effective_at"]), default=None),
        "returns": f"[{newest['version']}]" if away else None,
    }
