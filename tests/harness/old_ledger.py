"""A ledger's store as it was before keys knew where they were released first, and what its migration makes of it."""

from alembic import command
from alembic.config import Config
from sqlalchemy import text

from shared.database import ROOT, Database

BEFORE = "0006"
ENTRY = text(
    "INSERT INTO entry (position, key, version, kind, released_at, meta) "
    "VALUES (:position, :key, :version, 'item', '', '{}')"
)
KEY = text("INSERT INTO key (key, version, position, op) VALUES (:key, :version, :position, 'release')")


def migrated(db: Database, keys: list[str]) -> dict[str, int]:
    """Where each key begins, after the migration of a store with these keys, one entry each in this order."""
    newest: dict[str, int] = {}
    config = Config()
    config.set_main_option("script_location", str(ROOT / "services" / "ledger" / "migrations"))
    with db.engine.connect() as connection:
        if not db.is_sqlite:
            connection.execute(text("CREATE SCHEMA ledger"))
        config.attributes["connection"] = connection
        command.upgrade(config, BEFORE)
        for position, key in enumerate(keys, 1):
            version = keys[:position].count(key)
            connection.execute(ENTRY, {"position": position, "key": key, "version": version})
            newest[key] = position
        for key, position in newest.items():
            connection.execute(KEY, {"key": key, "position": position, "version": keys.count(key)})
        connection.commit()
    db.migrate("ledger")
    return {row.key: row.first_position for row in db.ask(text("SELECT key, first_position FROM key"))}
