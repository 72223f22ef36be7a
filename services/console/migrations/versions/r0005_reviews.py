"""The receipt of a set, sets that are shown at once, and who signs for whom while somebody is away."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("release_set", sa.Column("receipt", sa.Integer(), nullable=True))
    op.add_column("release_set", sa.Column("at_once", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table(
        "delegation",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("gate", sa.String(length=16), nullable=False),
        sa.Column("giver", sa.String(length=32), nullable=False),
        sa.Column("taker", sa.String(length=32), nullable=False),
        sa.Column("starts_at", sa.String(length=27), nullable=False),
        sa.Column("ends_at", sa.String(length=27), nullable=False),
        sa.Column("created_at", sa.String(length=27), nullable=False),
        sa.Column("revoked_at", sa.String(length=27), nullable=True),
    )
    op.create_index("ix_delegation_giver", "delegation", ["giver"])
    op.create_index("ix_delegation_taker", "delegation", ["taker"])


def downgrade() -> None:
    raise RuntimeError("receipts are kept for ever; restore a backup instead")
