"""First schema: findings and passes."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "finding",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("surface", sa.String(length=16), nullable=False),
        sa.Column("key", sa.String(length=128), nullable=False),
        sa.Column("verdict", sa.String(length=16), nullable=False),
        sa.Column("differences", sa.Text(), nullable=False),
        sa.Column("since", sa.String(length=27), nullable=True),
        sa.Column("found_at", sa.String(length=27), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("tried_at", sa.String(length=27), nullable=True),
        sa.Column("repair", sa.String(length=16), nullable=True),
        sa.Column("problem", sa.String(length=300), nullable=True),
        sa.Column("repaired_at", sa.String(length=27), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "one_open_finding",
        "finding",
        ["channel", "surface", "key"],
        unique=True,
        sqlite_where=sa.text("repaired_at IS NULL"),
        postgresql_where=sa.text("repaired_at IS NULL"),
    )
    op.create_table(
        "pass",
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("surface", sa.String(length=16), nullable=False),
        sa.Column("finished_at", sa.String(length=27), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("checked", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("channel", "surface"),
    )


def downgrade() -> None:
    raise RuntimeError("findings are never deleted; restore a backup instead")
