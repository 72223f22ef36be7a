"""Versions that are released as a set, and the acts that complete sets."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("scheduled", sa.Column("part_of", sa.String(128), nullable=True))
    op.create_table(
        "release_set",
        sa.Column("act", sa.String(128), primary_key=True),
        sa.Column("recorded_at", sa.String(27), nullable=False),
        sa.Column("members", sa.Text(), nullable=False),
        sa.Column("complete", sa.Boolean(), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("release_set")
    op.drop_column("scheduled", "part_of")
