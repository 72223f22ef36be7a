"""Receipts follow from the feeds of the sources: how far each is read, and which receipt has which version."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("receipt", sa.Column("origin", sa.String(length=128), nullable=True))
    op.add_column("receipt", sa.Column("many", sa.Text(), nullable=True))
    op.add_column("receipt", sa.Column("newest_at", sa.String(length=27), nullable=True))
    op.create_index("ix_receipt_origin", "receipt", ["origin"], unique=True)
    op.create_table(
        "receipt_version",
        sa.Column("key", sa.String(length=128), primary_key=True),
        sa.Column("version", sa.Integer(), primary_key=True),
        sa.Column("receipt", sa.Integer(), nullable=False),
    )
    op.create_table(
        "receipt_feed",
        sa.Column("source", sa.String(length=32), primary_key=True),
        sa.Column("lane", sa.String(length=16), primary_key=True),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
    )


def downgrade() -> None:
    raise RuntimeError("receipts are kept for ever; restore a backup instead")
