"""The SQL statements of editions and imports."""

from sqlalchemy import text

# Store a released edition without reading its draft: an unchanged draft follows the released body, and one that an
# editor has changed stays.
SAVE_RELEASED = text(
    "INSERT INTO edition (code, draft, revision, state, version, starts_from, released, content_version, "
    "released_digest, expires_at, planned_until, returns) "
    "VALUES (:code, :released, :revision, :state, :version, :content_version, :released, :content_version, "
    ":released_digest, :expires_at, :planned_until, :returns) "
    "ON CONFLICT (code) DO UPDATE SET revision = excluded.revision, state = excluded.state, "
    "version = excluded.version, released = excluded.released, content_version = excluded.content_version, "
    "released_digest = excluded.released_digest, expires_at = excluded.expires_at, "
    "planned_until = excluded.planned_until, returns = excluded.returns, "
    "draft = CASE WHEN edition.draft = edition.released THEN excluded.draft ELSE edition.draft END, "
    "starts_from = CASE WHEN edition.draft = edition.released THEN excluded.starts_from ELSE edition.starts_from END"
)

# Store what a source states about a code, in place of its previous statement.
SAVE_STATEMENT = text(
    "INSERT INTO import_statement "
    '(source, code, version, state, stated, starts, ends, conversion, sha256, "row", before) '
    "VALUES (:source, :code, :version, :state, :stated, :starts, :ends, :conversion, :sha256, :row, :before) "
    "ON CONFLICT (source, code) DO UPDATE SET version = excluded.version, state = excluded.state, "
    "stated = excluded.stated, starts = excluded.starts, ends = excluded.ends, conversion = excluded.conversion, "
    'sha256 = excluded.sha256, "row" = excluded."row", before = excluded.before'
)

# Released codes that a source has stated to be in use, in order.
CODES_IN_USE = text(
    "SELECT s.code FROM import_statement s JOIN edition e ON e.code = s.code "
    "WHERE s.source = :source AND s.code > :after AND e.state = 'released' "
    "AND (s.state IS NULL OR s.state = 'in_use') ORDER BY s.code LIMIT :limit"
)

# The newest release of a key before a moment.
NEWEST_BEFORE = text(
    "SELECT document FROM release WHERE key = :key AND released_at < :at ORDER BY version DESC LIMIT 1"
)
