"""The SQL statements of guides."""

from sqlalchemy import text

# Store the version of an item that was handled, and what counts; returns a row only if it is newer than the stored.
NOTE_ITEM = text(
    "INSERT INTO seen_item (code, version, versions) VALUES (:code, :version, :versions) ON CONFLICT (code) DO UPDATE "
    "SET version = excluded.version, versions = excluded.versions WHERE excluded.version > seen_item.version "
    "RETURNING code"
)

# Store feedback once: a second copy changes nothing, whatever state the first one has.
ADD_FEEDBACK = text(
    "INSERT INTO feedback (id, code, guide_version, channel, tags, text, given_at, state) "
    "VALUES (:id, :code, :guide_version, :channel, :tags, :text, :given_at, 'open') ON CONFLICT (id) DO NOTHING"
)
