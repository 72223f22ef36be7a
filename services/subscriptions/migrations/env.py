"""Alembic environment; see `shared.database.migration_env`."""

from shared.database.migration_env import run

run()
