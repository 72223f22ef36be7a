"""The SQL statements of the ticket calls."""

from sqlalchemy import text

# Store what is called now, in place of what was called before.
SET_CALLS = text(
    "INSERT INTO called (id, calls, called_at, expires_at) VALUES (:id, :calls, :called_at, :expires_at) "
    "ON CONFLICT (id) DO UPDATE SET calls = excluded.calls, called_at = excluded.called_at, "
    "expires_at = excluded.expires_at"
)

# What is called now, unless it has expired.
CALLS = text("SELECT calls, called_at, expires_at FROM called WHERE id = 1 AND expires_at > :now")
