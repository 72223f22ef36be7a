"""The SQL statements of an audit log."""

from sqlalchemy import text

# PostgreSQL: number one row, hash it and store it, in one statement. A clock that was set back does not count.
APPEND_ONE = text(
    "WITH head AS (UPDATE audit_head SET sequence = sequence + 1, at = greatest(at, :at), "
    "hash = encode(sha256(convert_to("
    "hash || CAST(sequence + 1 AS text) || ':' || greatest(at, :at) || ':' || CAST(:document AS text), 'UTF8')), 'hex')"
    " WHERE id = 1 RETURNING sequence, at, hash) "
    "INSERT INTO audit_log (sequence, at, actor, action, object, address, document, changes, hash) "
    "SELECT sequence, at, :actor, :action, :object, :address, :document, :changes, hash FROM head"
)

# Take the next numbers and lock the log until the commit.
TAKE_NUMBERS = text(
    "UPDATE audit_head SET sequence = sequence + :count, at = CASE WHEN at > :at THEN at ELSE :at END "
    "WHERE id = 1 RETURNING sequence, at, hash"
)

# Store a row.
APPEND = text(
    "INSERT INTO audit_log (sequence, at, actor, action, object, address, document, changes, hash) "
    "VALUES (:sequence, :at, :actor, :action, :object, :address, :document, :changes, :hash)"
)

# Store the hash of the newest row.
SET_HASH = text("UPDATE audit_head SET hash = :hash WHERE id = 1")

# The newest row's number, time and hash.
HEAD = text("SELECT sequence, at, hash FROM audit_head WHERE id = 1")

# The newest of the oldest rows that were written before a time, and how many these are.
REMOVED_BY_STEP = text(
    "SELECT row.sequence, row.at, row.hash, step.rows FROM (SELECT count(*) AS rows, max(sequence) AS last FROM "
    "(SELECT sequence FROM audit_log WHERE at < :before ORDER BY at, sequence LIMIT :most) AS oldest) AS step "
    "LEFT JOIN audit_log AS row ON row.sequence = step.last"
)

# When the oldest row was written.
OLDEST = text("SELECT min(at) AS at FROM audit_log")

# Remove the rows up to a number.
REMOVE = text("DELETE FROM audit_log WHERE sequence <= :through")

# PostgreSQL: the owner of the table takes the right that its migration gave up, and gives it up again.
ALLOW_REMOVAL = text("GRANT DELETE ON audit_log TO CURRENT_USER")
REFUSE_REMOVAL = text("REVOKE DELETE ON audit_log FROM CURRENT_USER")

# The number of the first row that was written at a time or later.
FIRST_SINCE = text("SELECT sequence FROM audit_log WHERE at >= :at ORDER BY at, sequence LIMIT 1")
