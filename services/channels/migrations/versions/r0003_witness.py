"""The ledger's keys that a channel trusts, and the head that it refused last."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "trusted_key",
        sa.Column("key_id", sa.String(length=8), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("public_key", sa.String(length=64), nullable=False),
        sa.Column("signs_until", sa.String(length=27), nullable=True),
        sa.Column("reason", sa.String(length=100), nullable=False),
        sa.Column("trusted_at", sa.String(length=27), nullable=False),
        sa.PrimaryKeyConstraint("key_id"),
    )
    op.create_table(
        "refused_head",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("refused_at", sa.String(length=27), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("head", sa.Text(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )


def downgrade() -> None:
    raise RuntimeError("releases are never deleted; restore a backup instead")
