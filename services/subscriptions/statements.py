"""The SQL statements of subscriptions."""

from sqlalchemy import text

# Lock the log for the transaction and return its state.
LOCK_LOG = text(
    "UPDATE log SET id = id WHERE id = 1 RETURNING epoch, position, chain, ledger_position, ledger_mark, halted"
)

# The state of the log.
LOG = text("SELECT epoch, position, chain, ledger_position, ledger_mark, halted FROM log WHERE id = 1")

# Events of everybody, and those for one subscription, after a position and up to another.
EVENTS = text(
    "SELECT position, id, key, kind, op, type, item, department, only_for, event, chain FROM event "
    "WHERE position > :after AND position <= :upto AND (only_for IS NULL OR only_for = :subscription) "
    "ORDER BY position LIMIT :limit"
)

# The chain at a position.
CHAIN_AT = text("SELECT chain FROM event WHERE position = :position")

# The newest event of each key after a key, in order of keys.
NEWEST = text(
    "SELECT e.position, e.key, e.kind, e.op, e.type, e.item, e.department, e.only_for, e.event, e.chain FROM event e "
    "JOIN (SELECT key, max(position) AS position FROM event WHERE only_for IS NULL AND key > :after "
    "AND position <= :upto GROUP BY key ORDER BY key LIMIT :limit) n ON n.position = e.position ORDER BY e.key"
)

# The version of a key that was told last.
NEWEST_VERSION = text("SELECT max(version) AS version FROM event WHERE key = :key AND only_for IS NULL")

# When the act of a set was told.
ACT_TOLD = text("SELECT min(at) AS at FROM event WHERE key = :key AND only_for IS NULL")

# Store the department of an item.
SET_DEPARTMENT = text(
    "INSERT INTO item_department (item, department) VALUES (:item, :department) "
    "ON CONFLICT (item) DO UPDATE SET department = excluded.department"
)

# The department of an item.
DEPARTMENT = text("SELECT department FROM item_department WHERE item = :item")

# The planned entries whose time has come, in order of time; of a key at one moment the newest version first.
DUE_PLANS = text(
    "SELECT ledger_position, key, version, starts FROM planned WHERE starts <= :now "
    "ORDER BY starts, version DESC LIMIT :limit"
)

# The members of a set count once its act is told.
COMPLETE_SET = text(
    "UPDATE planned SET starts = CASE WHEN own_start > :at THEN own_start ELSE :at END WHERE part_of = :key"
)

# A planned entry is told, or will never count.
DELETE_PLAN = text("DELETE FROM planned WHERE ledger_position = :position")

# A planned entry cannot be read yet, though its time has come here.
POSTPONE_PLAN = text("UPDATE planned SET starts = :starts WHERE ledger_position = :position")

# Forget the log, to read the ledger anew.
FORGET_LOG = (
    "DELETE FROM attempt",
    "DELETE FROM delivery",
    "DELETE FROM event",
    "DELETE FROM planned",
    "DELETE FROM item_department",
)

# A subscription of before starts with the new log.
START_ANEW = text("UPDATE subscription SET from_position = 0, queued = 0, open = 0")

# Webhooks for which events wait that are not yet among their deliveries.
TO_QUEUE = text(
    "SELECT id, filters, queued FROM subscription s WHERE delivery = 'webhook' AND state = 'active' "
    "AND queued < (SELECT position FROM log WHERE id = 1) AND open < :most ORDER BY id"
)

# Store deliveries; one that is there stays as it is.
ADD_DELIVERY = text(
    "INSERT INTO delivery (subscription, position, key, state, attempts, next_at, created_at) "
    "VALUES (:subscription, :position, :key, 'open', 0, :now, :now) ON CONFLICT (subscription, position) DO NOTHING"
)

# A webhook's deliveries are stored up to a position.
SET_QUEUED = text(
    "UPDATE subscription SET queued = :upto, open = open + :added WHERE id = :id AND queued = :seen RETURNING id"
)

# Subscriptions whose queues lack events of the log.
TO_FEED = text(
    "SELECT id, filters, queued, payload_limit FROM subscription WHERE delivery = 'amqp' AND state = 'active' "
    "AND queued < (SELECT position FROM log WHERE id = 1) ORDER BY id"
)

# A queue has the events up to a position; returns nothing if the mark or the epoch is another one than was read.
FED = text(
    "UPDATE subscription SET queued = :upto, succeeded_at = coalesce(:now, succeeded_at) "
    "WHERE id = :id AND queued = :seen AND (SELECT epoch FROM log WHERE id = 1) = :epoch RETURNING id"
)

# Every subscription that has or had a queue.
QUEUES = text("SELECT id, state, queued FROM subscription WHERE delivery = 'amqp' ORDER BY id")

# Subscriptions whose queues lack an event that is older than that, although the mark could have moved.
BEHIND = text(
    "SELECT s.id FROM subscription s JOIN event e ON e.position = s.queued + 1 WHERE s.delivery = 'amqp' "
    "AND s.state = 'active' AND e.at < :before AND s.changed_at < :before "
    "AND (s.succeeded_at IS NULL OR s.succeeded_at < :before)"
)

# Webhooks with deliveries that are not ended and may be called now.
WAITING = text(
    "SELECT id, rate FROM subscription WHERE delivery = 'webhook' AND state = 'active' "
    "AND open > 0 AND (hold_until IS NULL OR hold_until <= :now) ORDER BY id"
)

# Deliveries of a webhook that are due: of each key the first that is not ended.
DUE = text(
    "SELECT s.url, s.payload_limit, d.position, d.key, d.attempts, e.id, e.event FROM delivery d "
    "JOIN subscription s ON s.id = d.subscription JOIN event e ON e.position = d.position "
    "WHERE d.subscription = :subscription AND d.state = 'open' AND d.next_at <= :now AND NOT EXISTS "
    "(SELECT 1 FROM delivery o WHERE o.subscription = d.subscription AND o.state = 'open' AND o.key = d.key "
    "AND o.position < d.position) ORDER BY d.next_at, d.position LIMIT :limit"
)

# The generations of secrets with which a webhook is signed now, newest first.
GENERATIONS = text(
    "SELECT generation FROM signing WHERE subscription = :subscription AND (signs_until IS NULL OR signs_until > :now) "
    "ORDER BY generation DESC"
)

# A delivery has ended; returns nothing if it had before.
END_DELIVERY = text(
    "UPDATE delivery SET state = :state, attempts = attempts + :failed, done_at = :now "
    "WHERE subscription = :subscription AND position = :position AND state = 'open' RETURNING position"
)

# A delivery failed and is tried again.
RETRY_DELIVERY = text(
    "UPDATE delivery SET attempts = attempts + 1, next_at = :next_at "
    "WHERE subscription = :subscription AND position = :position AND state = 'open'"
)

# One delivery less is open.
ONE_LESS = text("UPDATE subscription SET open = open - 1 WHERE id = :id")

# A webhook was answered with success.
SUCCEEDED = text("UPDATE subscription SET succeeded_at = :now WHERE id = :id")

# A webhook failed; it may ask not to be called for a time.
FAILED = text("UPDATE subscription SET failed_at = :now, hold_until = coalesce(:hold_until, hold_until) WHERE id = :id")

# Write a call into the delivery log.
ADD_ATTEMPT = text(
    "INSERT INTO attempt (subscription, position, at, milliseconds, status, problem, request, answer) "
    "VALUES (:subscription, :position, :now, :milliseconds, :status, :problem, :request, :answer)"
)

# Open ended deliveries again: one, or those in a range of positions that were given up, or all of the range.
REOPEN = text(
    "UPDATE delivery SET state = 'open', attempts = 0, next_at = :now, created_at = :now, done_at = NULL "
    "WHERE subscription = :subscription "
    "AND position >= :first AND position <= :last AND state <> 'open' AND (:everything = 1 OR state = 'given_up') "
    "RETURNING position"
)

# More deliveries are open.
MORE_OPEN = text("UPDATE subscription SET open = open + :more WHERE id = :id")

# After a pause every open delivery is due.
RESUME = text("UPDATE delivery SET next_at = :now, attempts = 0 WHERE subscription = :subscription AND state = 'open'")

# The delivery log of a webhook, newest event first.
DELIVERIES = text(
    "SELECT d.position, d.key, d.state, d.attempts, d.next_at, d.created_at, d.done_at, e.id, e.type FROM delivery d "
    "JOIN event e ON e.position = d.position WHERE d.subscription = :subscription AND d.position < :before "
    "AND (:state = '' OR d.state = :state) ORDER BY d.position DESC LIMIT :limit"
)

# The calls of one delivery, oldest first.
ATTEMPTS = text(
    "SELECT at, milliseconds, status, problem, request, answer FROM attempt "
    "WHERE subscription = :subscription AND position = :position ORDER BY id"
)

# Webhooks that stand still, whatever the reason: something is due for longer than that, or was never queued.
STANDING = text(
    "SELECT s.id, min(d.created_at) AS since, count(*) AS waiting FROM subscription s JOIN delivery d "
    "ON d.subscription = s.id AND d.state = 'open' WHERE s.delivery = 'webhook' AND s.state <> 'revoked' "
    "AND d.created_at < :before AND (s.succeeded_at IS NULL OR s.succeeded_at < :before) GROUP BY s.id "
    "UNION ALL SELECT s.id, e.at AS since, 1 AS waiting FROM subscription s JOIN event e ON e.position = s.queued + 1 "
    "WHERE s.delivery = 'webhook' AND s.state = 'active' AND s.open = 0 AND e.at < :before AND s.changed_at < :before "
    "AND (s.succeeded_at IS NULL OR s.succeeded_at < :before)"
)

# Of each webhook: since when its oldest open delivery waits, and when the first event came that is not stored for it.
LAGS = text(
    "SELECT s.id, s.open, s.queued, (SELECT min(d.created_at) FROM delivery d WHERE d.subscription = s.id "
    "AND d.state = 'open') AS oldest, (SELECT e.at FROM event e WHERE e.position = s.queued + 1) AS next "
    "FROM subscription s WHERE s.delivery = 'webhook' AND s.state <> 'revoked'"
)

# How many webhooks there are in each state.
STATES = text("SELECT state, count(*) AS count FROM subscription WHERE delivery = 'webhook' GROUP BY state")

# Remove the texts of calls that are older than that.
PRUNE_TEXTS = text(
    "UPDATE attempt SET request = NULL, answer = NULL WHERE at < :before "
    "AND (request IS NOT NULL OR answer IS NOT NULL)"
)

# Remove calls that are older than that.
PRUNE_ATTEMPTS = text("DELETE FROM attempt WHERE at < :before")

# Remove deliveries that ended before that; the events stay in the log.
PRUNE_DELIVERIES = text("DELETE FROM delivery WHERE state <> 'open' AND done_at < :before")
