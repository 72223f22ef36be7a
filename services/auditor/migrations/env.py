"""Alembic environment; see `shared.migration_env`."""

from shared.migration_env import run

run()
