"""Why the body of an entry is gone."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "erasure",
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("erased_at", sa.String(length=27), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("erased_by", sa.String(length=100), nullable=False),
        sa.PrimaryKeyConstraint("position"),
    )


def downgrade() -> None:
    raise RuntimeError("erased bodies are never restored")
