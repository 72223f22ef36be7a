"""The SQL statements of hooks of cases."""

from sqlalchemy import text

# Store a hook; one that is there stays as it is.
ADD_HOOK = text(
    "INSERT INTO case_hook (id, url, host, secret, secret_hash, told, mark, body, due, state, failures, problem, "
    "next_at, expires_at) VALUES (:id, :url, :host, :secret, :secret_hash, :told, :told, NULL, :due, :state, "
    ":failures, :problem, :next_at, :expires_at) ON CONFLICT (id) DO NOTHING"
)

# The hosts that have something due.
HOSTS = text("SELECT DISTINCT host FROM case_hook WHERE due AND next_at <= :now AND expires_at > :now")

# What is due to a host, longest due first.
DUE_NEWS = text(
    "SELECT id, url, secret, failures, mark, body FROM case_hook "
    "WHERE due AND host = :host AND next_at <= :now AND expires_at > :now ORDER BY next_at, id LIMIT :limit"
)

# A receiver was told a state; what came after it stays due.
TOLD = text(
    "UPDATE case_hook SET told = :mark, failures = 0, problem = NULL, next_at = :now, "
    "due = (mark <> CAST(:mark AS VARCHAR)), body = CASE WHEN mark = CAST(:mark AS VARCHAR) THEN NULL ELSE body END "
    "WHERE id = :id AND state = 'active'"
)

# A call failed; it is made again at a time.
FAILED = text(
    "UPDATE case_hook SET failures = :failures, problem = :problem, next_at = :next_at "
    "WHERE id = :id AND state = 'active'"
)

# A hook has ended: whom to call and with which secret is deleted at once, and how it ended stays until it expires.
END_HOOK = text(
    "UPDATE case_hook SET state = :state, due = :due, url = '', host = '', secret = '', body = NULL WHERE id = :id"
)

# Write a call into the delivery log: neither request nor answer.
ADD_CALL = text(
    "INSERT INTO case_hook_call (hook, at, milliseconds, status, problem) "
    "VALUES (:hook, :now, :milliseconds, :status, :problem)"
)

# The calls of a hook, oldest first.
CALLS = text("SELECT at, milliseconds, status, problem FROM case_hook_call WHERE hook = :hook ORDER BY id")

# Delete the calls of a hook.
DELETE_CALLS = text("DELETE FROM case_hook_call WHERE hook = :hook")

# Delete a hook.
DELETE_HOOK = text("DELETE FROM case_hook WHERE id = :hook RETURNING id")

# Delete hooks that have expired.
DELETE_EXPIRED = text("DELETE FROM case_hook WHERE expires_at <= :now")

# Delete calls that are older than that, or whose hook is gone.
PRUNE_CALLS = text("DELETE FROM case_hook_call WHERE at < :before OR hook NOT IN (SELECT id FROM case_hook)")
