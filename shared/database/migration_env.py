"""What every service's `migrations/env.py` runs: Alembic on the connection that `Database.migrate` opened."""

from alembic import context, op
from sqlalchemy import text


def run() -> None:
    """Upgrade within the caller's transaction."""
    given = context.config.attributes
    table = given.get("version_table", "alembic_version")
    context.configure(connection=given["connection"], version_table=table, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()


def compress_quickly(table: str, *columns: str) -> None:
    """Let PostgreSQL compress these columns with lz4 where it was built with it: pglz costs more than the insert."""
    connection = op.get_bind()
    if connection.dialect.name != "postgresql":
        return
    known = text("SELECT 'lz4' = ANY(enumvals) FROM pg_settings WHERE name = 'default_toast_compression'")
    if connection.execute(known).scalar():
        for column in columns:
            op.execute(f'ALTER TABLE "{table}" ALTER COLUMN "{column}" SET COMPRESSION lz4')
