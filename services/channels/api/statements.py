"""The SQL statements of a channel's API, its event stream, and its readers' feedback."""

from sqlalchemy import text

from services.channels.core.statements import LISTED_SQL

# When the oldest version began that waits for no set and is still not shown.
OLDEST_OVERDUE = text(
    "SELECT min(effective_at) FROM scheduled s WHERE effective_at <= :now AND (s.part_of IS NULL "
    "OR s.part_of IN (SELECT act FROM release_set WHERE complete))"
)

# The store's version, and when the next document expires.
STORE_VERSION = text(
    "SELECT s.epoch, s.change, h.time, "
    "(SELECT min(expires_at) FROM document WHERE expires_at > :now AND content IS NOT NULL) AS ends "
    "FROM state s LEFT JOIN seen_head h ON h.id = s.id WHERE s.id = 1"
)

# A run of changed documents of the listed kinds, in order of change.
CHANGES = text(
    "SELECT key, version, position, change, expires_at, content, (SELECT epoch FROM state WHERE id = 1) AS epoch "  # noqa: S608  # our own text
    "FROM document "
    f"WHERE change > :after AND kind IN ({LISTED_SQL}) ORDER BY change LIMIT :limit"
)

# The sizes in bytes of the rows of `CHANGES`, by dialect.
SIZES_OF_CHANGES = {
    dialect: text(
        f"SELECT change, coalesce({measure}, 0) AS size FROM document "  # noqa: S608  # our own text
        f"WHERE change > :after AND kind IN ({LISTED_SQL}) ORDER BY change LIMIT :limit"
    )
    for dialect, measure in (
        ("postgresql", "octet_length(content)"),
        ("sqlite", "length(CAST(content AS BLOB))"),
    )
}

# The acts applied after a change, in order of change.
ACTS = text(
    "SELECT content FROM document WHERE change > :after AND kind = 'act' AND content IS NOT NULL ORDER BY change"
)

# The keys of a run of changed documents.
CHANGED_KEYS = text(
    f"SELECT key, change FROM document WHERE change > :after AND kind IN ({LISTED_SQL}) ORDER BY change LIMIT :limit"  # noqa: S608  # our own text
)

# When each shown document stops being valid: it expires, or a later version begins.
ENDS = text(
    "SELECT key, min(moment) AS moment FROM ("  # noqa: S608  # our own text
    "SELECT key, expires_at AS moment FROM document "
    f"WHERE content IS NOT NULL AND expires_at > :now AND kind IN ({LISTED_SQL}) "
    f"UNION ALL SELECT key, effective_at FROM scheduled WHERE effective_at > :now AND kind IN ({LISTED_SQL})"
    ") AS ending GROUP BY key"
)

# Count the cases that are shown, with one more condition.
_CASES = "SELECT count(*) FROM document WHERE kind = 'application' AND content IS NOT NULL AND"

# The cases accepted on a day, open now, and finished on that day, by dialect; PostgreSQL has an index for each count.
CASE_COUNTS = {
    dialect: text(
        f"SELECT ({_CASES} {field.format('accept_date')} = :day) AS accepted, "
        f"({_CASES} {field.format('stage')} <> '3') AS open, "
        f"({_CASES} {field.format('result_date')} = :day) AS finished"
    )
    for dialect, field in (("postgresql", "(content::json ->> '{}')"), ("sqlite", "(content ->> '$.{}')"))
}

# The change up to which the search index is up to date.
INDEXED = text("SELECT change FROM indexed WHERE id = 1")

# Store the change up to which the search index is up to date.
SET_INDEXED = text(
    "INSERT INTO indexed (id, change) VALUES (1, :change) ON CONFLICT (id) DO UPDATE SET change = excluded.change"
)

# Take the next number of the feedback and lock it until the commit.
TAKE_FEEDBACK_NUMBER = text("UPDATE given SET number = number + 1 WHERE id = 1 RETURNING number")

# The highest number of the feedback, and the document after `after`; no row before the first feedback.
FEEDBACK_MARK_AND_NEXT = text(
    "SELECT given.number, feedback.document FROM given "
    "LEFT JOIN feedback ON feedback.number = :after + 1 WHERE given.id = 1"
)

# A run of feedback, for the relay.
FOLLOWING_FEEDBACK = text(
    "SELECT number, document, traceparent FROM feedback WHERE number > :after ORDER BY number LIMIT :limit"
)

# Whether any feedback has been confirmed by the next hop.
CONFIRMED_FEEDBACK = text("SELECT number FROM feedback WHERE number <= :cursor LIMIT 1")

# Delete the feedback that the next hop has confirmed.
DELETE_CONFIRMED_FEEDBACK = "DELETE FROM feedback WHERE number <= :cursor RETURNING number"
