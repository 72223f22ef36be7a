"""A ledger's store from before it kept where each key was first released, and the result of its migration."""

from alembic import command
from alembic.config import Config
from sqlalchemy import text

from shared.database.engine import ROOT, Database
from tests.harness.before_identity import put_back

BEFORE = "0006"
ENTRY = text(
    "INSERT INTO entry (position, key, version, kind, released_at, meta) "
    "VALUES (:position, :key, :version, 'item', '', '{}')"
)
KEY = text("INSERT INTO key (key, version, position, op) VALUES (:key, :version, :position, 'release')")


def migrated(db: Database, keys: list[str]) -> dict[str, int]:
    """Migrate a store with these keys, one entry each in this order. Return where each key begins."""
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
    return {row.key: row.first_position for row in db.fetch(text("SELECT key, first_position FROM key"))}


def before_kinds(db: Database) -> list[str]:
    """Downgrade a ledger's store to before kinds were open. Return its entries without bodies, as they were.

    Their JSON had no signature; there was no table of skipped releases, and none of the sources' keys.
    """
    where = "" if db.is_sqlite else "ledger."
    with db.engine.begin() as connection:
        put_back(connection, "ledger", "0007", where)
        shorter = text(f"UPDATE {where}entry SET meta = replace(meta, :unsigned, '')")  # our own text
        connection.execute(shorter, {"unsigned": ',"source_signature":null'})
        rows = connection.execute(text(f"SELECT meta FROM {where}entry ORDER BY position"))  # our own text
        return [str(row.meta) for row in rows]
