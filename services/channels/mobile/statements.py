"""The SQL statements of the subscriptions to cases."""

from sqlalchemy import text

# The state of a case that a receiver is told once: its version, and whether it is still shown.
_MARK = "coalesce(CAST(d.version AS TEXT) || CASE WHEN d.content IS NULL THEN 'x' ELSE '' END, 'x')"

# The subscriptions of a host whose case has changed since it was last told, longest due first.
DUE = text(
    "SELECT h.id, h.url, h.host, h.secret, h.failures, h.next_at, d.version, d.content, d.released_at, "  # noqa: S608  # our own text
    f"{_MARK} AS mark "
    "FROM hook h LEFT JOIN document d ON d.key = 'application:' || h.case_ref "
    f"WHERE h.host = :host AND h.state = 'active' AND h.next_at <= :now AND h.expires_at > :now AND h.told <> {_MARK} "
    "ORDER BY h.next_at, h.id LIMIT :limit"
)

# The hosts that have subscriptions.
HOSTS = text("SELECT DISTINCT host FROM hook WHERE state = 'active'")

# Claim a call until a moment; returns no row if another process has claimed it.
CLAIM = "UPDATE hook SET next_at = :until WHERE id = :id AND next_at = :seen AND state = 'active' RETURNING id"

# Store that a receiver was told.
SET_TOLD = "UPDATE hook SET told = :mark, failures = 0, problem = NULL, next_at = :now, state = :state WHERE id = :id"

# Store that a call failed, and when to try again.
SET_FAILED = (
    "UPDATE hook SET failures = :failures, problem = :problem, next_at = :next_at, state = :state "
    "WHERE id = :id AND state = 'active'"
)

# Delete the subscriptions that have expired.
DELETE_EXPIRED = "DELETE FROM hook WHERE expires_at <= :now"
