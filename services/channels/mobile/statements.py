"""The SQL statements of the subscriptions to cases."""

from sqlalchemy import text

# The state of a case that a receiver is told once: its version, and whether it is still shown.
_MARK = "coalesce(CAST(d.version AS TEXT) || CASE WHEN d.content IS NULL THEN 'x' ELSE '' END, 'x')"

# The hooks that subscriptions has, in order of their ids: those whose case has changed since, or (`every`) all.
PUSHED = text(
    "SELECT h.id, h.pushed, d.version, d.content, d.released_at, "  # noqa: S608  # our own text
    f"{_MARK} AS mark FROM hook h LEFT JOIN document d ON d.key = 'application:' || h.case_ref "
    f"WHERE h.pushed IS NOT NULL AND h.expires_at > :now AND h.id > :after AND (:every = 1 OR h.pushed <> {_MARK}) "
    "ORDER BY h.id LIMIT :limit"
)

# Subscriptions has confirmed a state; another process may have pushed a newer one since.
SET_PUSHED = "UPDATE hook SET pushed = :mark WHERE id = :id AND pushed = :seen"

# The hooks of the release before that subscriptions does not have yet, or one of them.
UNMOVED = text(
    "SELECT id, url, secret, told, state, failures, problem, next_at, expires_at FROM hook "
    "WHERE pushed IS NULL AND secret <> '' AND expires_at > :now AND id > :after AND (:one = '' OR id = :one) "
    "ORDER BY id LIMIT :limit"
)

# What subscriptions has yet to be told of hooks whose rows are gone.
FORMER = text("SELECT id, after, mark, body FROM former_hook WHERE id > :after ORDER BY id LIMIT :limit")

# Subscriptions has another state of a former hook than was believed.
SET_FORMER = "UPDATE former_hook SET after = :after WHERE id = :id"

# Subscriptions has confirmed the end of a former hook.
DELETE_FORMER = "DELETE FROM former_hook WHERE id = :id"

# A hook is forgotten here.
DELETE_HOOK = "DELETE FROM hook WHERE id = :id"

# Subscriptions that have expired; they end at subscriptions by themselves.
DELETE_EXPIRED = "DELETE FROM hook WHERE expires_at <= :now"

# Hooks that were asked for, and then we died: nobody has their secrets.
ABANDONED = text("SELECT id FROM hook WHERE pushed IS NULL AND secret = '' AND next_at <= :before")
