"""Releasing: sets, receipts, links to previews."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "release_set",
        sa.Column("act", sa.String(length=128), primary_key=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("effective_at", sa.String(length=27), nullable=False),
        sa.Column("note", sa.String(length=500), nullable=True),
        sa.Column("undoes", sa.String(length=128), nullable=True),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("members", sa.Text(), nullable=False),
        sa.Column("recorded", sa.Text(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("created_at", sa.String(length=27), nullable=False),
        sa.Column("changed_at", sa.String(length=27), nullable=False),
    )
    op.create_index("ix_release_set_state", "release_set", ["state"])
    op.create_table(
        "receipt",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("by", sa.String(length=40), nullable=False),
        sa.Column("released_at", sa.String(length=27), nullable=False),
        sa.Column("due_at", sa.String(length=27), nullable=False),
        sa.Column("versions", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("places", sa.Text(), nullable=False),
        sa.Column("screens", sa.Text(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("settled_at", sa.String(length=27), nullable=True),
    )
    op.create_index("ix_receipt_state", "receipt", ["state"])
    op.create_table(
        "preview",
        sa.Column("token_hash", sa.String(length=64), primary_key=True),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("drafts", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.String(length=27), nullable=False),
        sa.Column("expires_at", sa.String(length=27), nullable=False),
        sa.Column("revoked_at", sa.String(length=27), nullable=True),
    )
    op.create_index("ix_preview_code", "preview", ["code"])


def downgrade() -> None:
    raise RuntimeError("receipts are kept for ever; restore a backup instead")
