"""The SQL statements of the register of screens."""

from sqlalchemy import text

# Store a new code for a screen; its token works until the code is used.
OFFER_CODE = text(
    "INSERT INTO screen (name, code_hash, code_expires_at) VALUES (:name, :code, :expires) "
    "ON CONFLICT (name) DO UPDATE SET code_hash = excluded.code_hash, code_expires_at = excluded.code_expires_at"
)

# Exchange a code that has not expired for a token; returns no row for any other code.
ENROL = text(
    "UPDATE screen SET code_hash = NULL, code_expires_at = NULL, token_hash = :token, enrolled_at = :now, "
    "revoked_at = NULL, seen_at = NULL, address = NULL, position = NULL, digest = NULL, other_since = NULL, "
    "head_time = NULL, freshness = NULL, kept = NULL, kept_of = NULL, kept_at = NULL "
    "WHERE code_hash = :code AND code_expires_at > :now RETURNING name"
)

# Revoke the token and the code of a screen.
REVOKE = text(
    "UPDATE screen SET code_hash = NULL, code_expires_at = NULL, token_hash = NULL, revoked_at = :now "
    "WHERE name = :name RETURNING name"
)

# The screen that has a token.
SCREEN_OF_TOKEN = text("SELECT name FROM screen WHERE token_hash = :token")

# Store a screen's report; changes no row if the token has been revoked.
STORE_REPORT = text(
    "UPDATE screen SET seen_at = :now, address = :address, position = :position, digest = :digest, "
    "head_time = :head_time, freshness = :freshness, kept = :kept, kept_of = :kept_of, kept_at = :kept_at, "
    "other_since = CASE WHEN :other THEN coalesce(other_since, :now) END WHERE name = :name AND token_hash = :token"
)

# The newest span of a screen, and when the screen was seen before this report.
LAST_POSITION = text(
    "SELECT span.since, span.until, span.position, screen.seen_at FROM screen_position AS span "
    "JOIN screen ON screen.name = span.screen WHERE span.screen = :screen ORDER BY span.since DESC LIMIT 1"
)

# End a span.
END_POSITION = text("UPDATE screen_position SET until = :until WHERE screen = :screen AND since = :since")

# End the span of the screen that is enrolled anew by a code: its last report is forgotten.
END_OF_ENROLMENT = text(
    "UPDATE screen_position SET until = coalesce((SELECT seen_at FROM screen WHERE name = screen_position.screen), "
    "since) WHERE until IS NULL AND screen = (SELECT name FROM screen WHERE code_hash = :code "
    "AND code_expires_at > :now)"
)

# Begin a span.
BEGIN_POSITION = text(
    "INSERT INTO screen_position (screen, since, position) VALUES (:screen, :since, :position) "
    "ON CONFLICT (screen, since) DO NOTHING"
)

# Remove the spans of a screen that ended long ago.
FORGET_POSITIONS = text("DELETE FROM screen_position WHERE screen = :screen AND since < :before AND until < :before")

# The span of a screen that covers a moment; the newest one lasts until the screen was seen last.
POSITION_AT = text(
    "SELECT since, until, position FROM (SELECT span.since, coalesce(span.until, screen.seen_at) AS until, "
    "span.position FROM screen_position AS span LEFT JOIN screen ON screen.name = span.screen "
    "WHERE span.screen = :screen AND span.since <= :at ORDER BY span.since DESC LIMIT 1) AS newest WHERE until >= :at"
)

# Every screen, by name.
SCREENS = text("SELECT * FROM screen ORDER BY name")
