"""The SQL statements of the ledger."""

from sqlalchemy import bindparam, text

from contracts.kinds import PUBLIC
from shared.database.notifications import Notifying

# The newest recorded version of each of these keys.
NEWEST_VERSIONS = text("SELECT key, version FROM key WHERE key IN :keys").bindparams(bindparam("keys", expanding=True))

# Every entry of these keys, without bodies.
ENTRIES_OF_KEYS = text("SELECT key, version, meta FROM entry WHERE key IN :keys ORDER BY key, version").bindparams(
    bindparam("keys", expanding=True)
)

# Make an entry the newest of its key; the first position of a known key stays.
SET_NEWEST = text(
    "INSERT INTO key (key, version, position, op, effective_at, expires_at, first_position) "
    "VALUES (:key, :version, :position, :op, :effective_at, :expires_at, :first_position) "
    "ON CONFLICT (key) DO UPDATE SET version = excluded.version, position = excluded.position, "
    "op = excluded.op, effective_at = excluded.effective_at, expires_at = excluded.expires_at"
)

# One tile of the tree.
TILE = text("SELECT hashes FROM tile WHERE level = :level AND number = :number")

# The tiles at the right edge of a tree of up to 2^32 entries, read in one statement.
EDGE_TILES = text(
    "SELECT level, number, hashes FROM tile WHERE level = 0 AND number = :number0 "
    "OR level = 1 AND number = :number1 OR level = 2 AND number = :number2 OR level = 3 AND number = :number3"
)

# Store a tile in place of a narrower one.
PUT_TILE = text(
    "INSERT INTO tile (level, number, hashes) VALUES (:level, :number, :hashes) "
    "ON CONFLICT (level, number) DO UPDATE SET hashes = excluded.hashes"
)

# Set the number of entries.
SET_SIZE = text("UPDATE log SET size = :size WHERE id = 1")

# A run of entries with body and proof, for the relay.
FEED = text(
    "SELECT position, key, version, meta, body, proof FROM entry WHERE position > :after ORDER BY position LIMIT :limit"
)

# The number of entries, and when the entry after `after` was released; no row before the log is begun.
SIZE_AND_NEXT = text(
    "SELECT log.size, entry.released_at AS next_released_at FROM log "
    "LEFT JOIN entry ON entry.position = :after + 1 WHERE log.id = 1"
)

# The head signed last, with the newest head statement.
NEWEST_HEAD = text(
    "SELECT h.size, h.root, h.time, h.checkpoint, s.note AS statement FROM head h "
    "LEFT JOIN statement s ON s.id = 1 ORDER BY h.size DESC LIMIT 1"
)

# A run of entries without bodies.
FOLLOWING = text("SELECT position, meta FROM entry WHERE position > :after ORDER BY position LIMIT :limit")

# A run of public entries without bodies, for the state tree.
FOLLOWING_PUBLIC = text(
    "SELECT position, meta FROM entry WHERE position > :after AND position <= :size AND kind IN :kinds "
    "ORDER BY position LIMIT :limit"
).bindparams(bindparam("kinds", PUBLIC, expanding=True))

# A run of entries, each with the first position of its key, for the snapshot tree.
FOLLOWING_WITH_FIRST = text(
    "SELECT e.position, key.first_position, e.meta FROM entry e JOIN key ON key.key = e.key "
    "WHERE e.position > :after AND e.position <= :size ORDER BY e.position LIMIT :limit"
)

# Position of a key's newest entry among the first `size`: the same for a size whenever it is asked.
_NEWEST_AT = (
    "CASE WHEN key.position <= :size THEN key.position ELSE (SELECT o.position FROM entry o "
    "WHERE o.key = key.key AND o.position <= :size ORDER BY o.version DESC LIMIT 1) END"
)

# The newest entry of each key among the first `size`, in order of first positions.
SNAPSHOT_LEAVES = text(
    f"SELECT key.first_position, e.meta FROM key JOIN entry e ON e.position = {_NEWEST_AT} "  # noqa: S608  # our own text
    "WHERE key.first_position > :after AND key.first_position <= :size ORDER BY key.first_position LIMIT :limit"
)

# The position of the newest entry of each key among the first `size`, in order of first positions.
SNAPSHOT_PAGE = text(
    f"SELECT key.first_position, {_NEWEST_AT} AS position FROM key "  # noqa: S608  # our own text
    "WHERE key.first_position > :after AND key.first_position <= :size ORDER BY key.first_position LIMIT :limit"
)

# The position of the entry one version before each of these.
PREDECESSORS = text(
    "SELECT e.position AS successor, o.position FROM entry e "
    "JOIN entry o ON o.key = e.key AND o.version = e.version - 1 WHERE e.position IN :positions"
).bindparams(bindparam("positions", expanding=True))

# List a public key that signs heads; a listed key stays as it is.
LIST_SIGNING_KEY = text(
    "INSERT INTO signing_key (key_id, name, public_key, created_at) "
    "VALUES (:key_id, :name, :public_key, :created_at) ON CONFLICT (key_id) DO NOTHING"
)

# Store until when a key signs; the endorsement of a known key stays.
SET_KEY_LIFE = text(
    "INSERT INTO key_life (key_id, signs_until, endorsement) VALUES (:key_id, :signs_until, :endorsement) "
    "ON CONFLICT (key_id) DO UPDATE SET signs_until = excluded.signs_until"
)

# The listed keys of a source, with the columns of `SourceKeyRow`.
SOURCE_KEYS = text(
    "SELECT key_id, source, public_key, signs_from, revoked_from, compulsory_from FROM source_key "
    "WHERE source = :source ORDER BY key_id"
)

# How far each lane of a source is recorded.
MARKS = text("SELECT lane, sequence FROM source WHERE source = :source")

# How far one lane of a source is recorded.
MARK = text("SELECT sequence FROM source WHERE source = :source AND lane = :lane")

# Advance the mark of a lane; returns no row when the lane is not at `before`.
MOVE_MARK = Notifying(
    "UPDATE source SET sequence = :sequence "
    "WHERE source = :source AND lane = :lane AND sequence = :before "
    "RETURNING sequence"
)

# Set the first mark of a lane; returns no row when the lane has one.
FIRST_MARK = Notifying(
    "INSERT INTO source (source, lane, sequence) VALUES (:source, :lane, :sequence) "
    "ON CONFLICT (source, lane) DO NOTHING "
    "RETURNING sequence"
)
