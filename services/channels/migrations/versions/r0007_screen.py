"""The register of the hall's screens; and the signed statement that comes with a head."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "screen",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=True),
        sa.Column("code_expires_at", sa.String(length=27), nullable=True),
        sa.Column("token_hash", sa.String(length=64), nullable=True),
        sa.Column("enrolled_at", sa.String(length=27), nullable=True),
        sa.Column("revoked_at", sa.String(length=27), nullable=True),
        sa.Column("seen_at", sa.String(length=27), nullable=True),
        sa.Column("address", sa.String(length=700), nullable=True),
        sa.Column("position", sa.BigInteger(), nullable=True),
        sa.Column("digest", sa.String(length=64), nullable=True),
        sa.Column("other_since", sa.String(length=27), nullable=True),
        sa.Column("head_time", sa.String(length=27), nullable=True),
        sa.Column("freshness", sa.String(length=16), nullable=True),
        sa.PrimaryKeyConstraint("name"),
        sa.UniqueConstraint("code_hash"),
        sa.UniqueConstraint("token_hash"),
    )
    op.add_column("seen_head", sa.Column("statement", sa.Text(), nullable=True))


def downgrade() -> None:
    raise RuntimeError("releases are never deleted; restore a backup instead")
