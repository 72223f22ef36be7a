"""The table in which each service's store names its county. Frozen: every service made it in one migration, alike."""

import sqlalchemy as sa
from alembic import op


def make_identity_table() -> None:
    """Create the empty table: `services.runtime.county_birth` writes the county."""
    op.create_table(
        "identity",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("region", sa.String(length=12), nullable=False),
        sa.Column("origin", sa.String(length=200), nullable=False),
        sa.Column("county", sa.String(length=200), nullable=True),
        sa.Column("demo", sa.Boolean(), nullable=False),
        sa.Column("written_at", sa.String(length=27), nullable=False),
        sa.Column("former", sa.String(length=2000), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
