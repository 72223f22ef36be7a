"""Releases that were passed over because this version does not take them, and the keys by which sources sign."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "passed_over",
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("lane", sa.String(length=16), nullable=False),
        sa.Column("sequence", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key", sa.String(length=128), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("op", sa.String(length=16), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("passed_at", sa.String(length=27), nullable=False),
        sa.PrimaryKeyConstraint("source", "lane", "sequence"),
    )
    op.create_table(
        "source_key",
        sa.Column("key_id", sa.String(length=8), nullable=False),
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("public_key", sa.String(length=64), nullable=False),
        sa.Column("signs_from", sa.Text(), nullable=False),
        sa.Column("revoked_from", sa.Text(), nullable=True),
        sa.Column("compulsory_from", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("key_id"),
    )


def downgrade() -> None:
    raise RuntimeError("releases are never deleted; restore a backup instead")
