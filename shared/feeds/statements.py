"""The SQL statements of the outbox and its relay."""

from sqlalchemy import text

from shared.database.notifications import Notifying

# Take the next numbers of a lane and lock it until the commit.
TAKE_NUMBERS = Notifying("UPDATE counter SET value = value + :count WHERE lane = :lane RETURNING value")

# A run of a lane's releases, for the relay.
FOLLOWING_RELEASES = text(
    "SELECT sequence, document FROM release WHERE lane = :lane AND sequence > :after ORDER BY sequence LIMIT :limit"
)

# The highest sequence of a lane, and when the release after `after` was released; no row before the first release.
HEAD_AND_NEXT = text(
    "SELECT counter.value AS head, release.released_at AS next_released_at FROM counter "
    "LEFT JOIN release ON release.lane = counter.lane AND release.sequence = :after + 1 WHERE counter.lane = :lane"
)

# The highest sequence of a lane that the next hop has confirmed.
CURSOR = text("SELECT sequence FROM relayed WHERE lane = :lane")

# Store the cursor of a lane.
SET_CURSOR = (
    "INSERT INTO relayed (lane, sequence) VALUES (:lane, :sequence) "
    "ON CONFLICT (lane) DO UPDATE SET sequence = excluded.sequence"
)
