"""What a channel says to its database at every publication. `/* bell */`: see `shared.wakeup.Bell.ringing`."""

from sqlalchemy import text

UPSERT = """
INSERT INTO {table} (key, kind, version, position, digest, content_digest, effective_at, expires_at, released_at,
                     change, content)
VALUES (:key, :kind, :version, :position, :digest, :content_digest, :effective_at, :expires_at, :released_at,
        :change, :content)
ON CONFLICT (key) DO UPDATE SET
  kind = excluded.kind, version = excluded.version, position = excluded.position, digest = excluded.digest,
  content_digest = excluded.content_digest, effective_at = excluded.effective_at, expires_at = excluded.expires_at,
  released_at = excluded.released_at, change = excluded.change, content = excluded.content
WHERE {table}.version < excluded.version
"""
SHOW = text(UPSERT.format(table="document"))
SHOW_AGAIN = text(UPSERT.format(table="document").replace(".version < excluded", ".version <= excluded"))
MOVE = """
UPDATE state SET position = :to, root = :root, change = change + :shown WHERE id = 1 AND position = :before
RETURNING change, EXISTS (SELECT 1 FROM parked) OR EXISTS (SELECT 1 FROM scheduled) AS waiting /* bell */
"""
APPLY_ONE = """
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
SELECT change /* bell */ FROM moved
""".replace(
    "{upsert}",
    UPSERT.format(table="document")
    .replace("VALUES (", "SELECT ")
    .replace(":change, :content)", "moved.change, :content FROM moved"),
)
"""For PostgreSQL: all that a release changes in one statement. A row comes back when the channel was there."""

OVERTAKEN = [
    text(f"DELETE FROM {table} WHERE key = :key AND version < :version")  # noqa: S608  # our own text
    for table in ("parked", "scheduled")
]
"""Older versions of a key that is shown."""

POSITION = text("SELECT position, root FROM state WHERE id = 1")
REMEMBER_HEAD = """
INSERT INTO seen_head (id, size, root, time, checkpoint, statement)
VALUES (1, :size, :root, :time, :checkpoint, :said)
ON CONFLICT (id) DO UPDATE SET
  size = excluded.size, root = excluded.root, time = excluded.time, checkpoint = excluded.checkpoint,
  statement = excluded.statement
WHERE (excluded.size, excluded.time) > (seen_head.size, seen_head.time)
RETURNING size /* bell */
"""
NEXT_TURN = text(
    "SELECT (SELECT min(effective_at) FROM scheduled) AS beginning, "
    "(SELECT min(expires_at) FROM document WHERE content_digest IS NOT NULL) AS ending"
)
