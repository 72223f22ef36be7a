"""Hooks move to subscriptions: what was pushed there last, the digest of the address, and hooks that are to end."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("hook", sa.Column("address", sa.String(length=64), nullable=True))
    op.add_column("hook", sa.Column("pushed", sa.String(length=24), nullable=True))
    op.create_table(
        "former_hook",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("after", sa.String(length=24), nullable=True),
        sa.Column("mark", sa.String(length=24), nullable=True),
        sa.Column("body", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )


def downgrade() -> None:
    raise RuntimeError("subscriptions has the hooks now; restore a backup instead")
