"""The SQL statements of the channel's documents."""

from sqlalchemy import text

from contracts.kinds import LISTED
from shared.database.notifications import Notifying

LISTED_SQL = ", ".join(f"'{kind}'" for kind in LISTED)
"""The listed kinds, for `IN (…)`."""

# Write a version of a key in place of any other.
_PUT = """
INSERT INTO {table} (key, kind, bucket, version, position, digest, content_digest, effective_at, expires_at,
                     released_at, starts_at, change, content)
VALUES (:key, :kind, :bucket, :version, :position, :digest, :content_digest, :effective_at, :expires_at,
        :released_at, :starts_at, :change, :content)
ON CONFLICT (key) DO UPDATE SET
  kind = excluded.kind, bucket = excluded.bucket, version = excluded.version, position = excluded.position,
  digest = excluded.digest, content_digest = excluded.content_digest, effective_at = excluded.effective_at,
  expires_at = excluded.expires_at, released_at = excluded.released_at, starts_at = excluded.starts_at,
  change = excluded.change, content = excluded.content
"""

# Write a version of a key in place of an older one.
_PUT_NEWER = f"{_PUT}WHERE {{table}}.version < excluded.version\n"

# Show a version of a key in place of an older one.
SHOW = text(_PUT_NEWER.format(table="document"))

# Show a version of a key in place of an older or equal one.
SHOW_AGAIN = text(_PUT_NEWER.format(table="document").replace(".version < excluded", ".version <= excluded"))

# Show a version of a key in place of any other.
REPLACE = text(_PUT.format(table="document"))

# Write a version of a key aside, in place of an older one.
PUT_ASIDE = text(_PUT_NEWER.format(table="aside"))

# Show a key no longer; version 0, so that any version that the source may release later is newer.
HIDE = text("UPDATE document SET content = NULL, content_digest = NULL, version = 0, change = :change WHERE key = :key")

# Move the channel's position; returns no row when the channel is not at `before`.
MOVE = Notifying("""
UPDATE state SET position = :to, root = :root, change = change + :shown WHERE id = 1 AND position = :before
RETURNING change, EXISTS (SELECT 1 FROM parked) OR EXISTS (SELECT 1 FROM scheduled) AS waiting
""")

# For PostgreSQL: apply one release in a single statement; returns no row when the channel is not at `before`.
APPLY_ONE = Notifying(
    """
WITH moved AS (
  UPDATE state SET position = :to, root = :root, change = change + 1
  WHERE id = 1 AND position = :before RETURNING change
), shown AS (
  {upsert}
), made_up_for AS (
  DELETE FROM parked USING moved WHERE key = :key AND version < :version
), overtaken AS (
  DELETE FROM scheduled USING moved WHERE key = :key AND version < :version
)
SELECT change""".replace(
        "{upsert}",
        _PUT_NEWER.format(table="document")
        .replace("VALUES (", "SELECT ")
        .replace(":change, :content)", "moved.change, :content FROM moved"),
    ),
    "FROM moved",
)

# Delete older versions of a key once a newer one is shown; one statement a table.
OVERTAKEN = [
    text(f"DELETE FROM {table} WHERE key = :key AND version < :version")  # noqa: S608  # our own text
    for table in ("parked", "scheduled")
]

# The channel's position and the newest head it has applied up to; nulls before the first.
POSITION_AND_HEAD = text(
    "SELECT s.position, s.change, s.epoch, h.size, h.root, h.time, h.checkpoint, h.statement "
    "FROM state s LEFT JOIN seen_head h ON h.id = s.id WHERE s.id = 1"
)

# The position of the last applied entry, and the ledger's root there.
POSITION = text("SELECT position, root FROM state WHERE id = 1")

# Store a head that is newer than the stored one.
REMEMBER_HEAD = Notifying("""
INSERT INTO seen_head (id, size, root, time, checkpoint, statement)
VALUES (1, :size, :root, :time, :checkpoint, :said)
ON CONFLICT (id) DO UPDATE SET
  size = excluded.size, root = excluded.root, time = excluded.time, checkpoint = excluded.checkpoint,
  statement = excluded.statement
WHERE (excluded.size, excluded.time) > (seen_head.size, seen_head.time)
RETURNING size
""")

# When the next scheduled version begins, and when the next document expires.
NEXT_TURN = text(
    "SELECT (SELECT min(effective_at) FROM scheduled s WHERE s.part_of IS NULL "
    "OR s.part_of IN (SELECT act FROM release_set WHERE complete)) AS beginning, "
    "(SELECT min(expires_at) FROM document WHERE content_digest IS NOT NULL) AS ending"
)
