"""The SQL statements that a channel runs for every publication."""

from sqlalchemy import text

from contracts.kinds import LISTED
from shared.database.notifications import Notifying

LISTED_SQL = ", ".join(f"'{kind}'" for kind in LISTED)
"""The listed kinds, for `IN (…)`."""

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
MOVE = Notifying("""
UPDATE state SET position = :to, root = :root, change = change + :shown WHERE id = 1 AND position = :before
RETURNING change, EXISTS (SELECT 1 FROM parked) OR EXISTS (SELECT 1 FROM scheduled) AS waiting
""")
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
        UPSERT.format(table="document")
        .replace("VALUES (", "SELECT ")
        .replace(":change, :content)", "moved.change, :content FROM moved"),
    ),
    "FROM moved",
)
"""For PostgreSQL: applies one release in a single statement. Returns a row if the channel was at `before`."""

OVERTAKEN = [
    text(f"DELETE FROM {table} WHERE key = :key AND version < :version")  # noqa: S608  # our own text
    for table in ("parked", "scheduled")
]
"""Delete older versions of a key once a newer one is shown."""

POSITION = text("SELECT position, root FROM state WHERE id = 1")
REMEMBER_HEAD = Notifying("""
INSERT INTO seen_head (id, size, root, time, checkpoint, statement)
VALUES (1, :size, :root, :time, :checkpoint, :said)
ON CONFLICT (id) DO UPDATE SET
  size = excluded.size, root = excluded.root, time = excluded.time, checkpoint = excluded.checkpoint,
  statement = excluded.statement
WHERE (excluded.size, excluded.time) > (seen_head.size, seen_head.time)
RETURNING size
""")
NEXT_TURN = text(
    "SELECT (SELECT min(effective_at) FROM scheduled) AS beginning, "
    "(SELECT min(expires_at) FROM document WHERE content_digest IS NOT NULL) AS ending"
)
