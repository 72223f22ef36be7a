"""Hooks of cases: whom to call, what was told last and what is due, and when calls were made."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "case_hook",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("url", sa.String(length=300), nullable=False),
        sa.Column("host", sa.String(length=300), nullable=False),
        sa.Column("secret", sa.String(length=250), nullable=False),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("told", sa.String(length=24), nullable=False),
        sa.Column("mark", sa.String(length=24), nullable=False),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("due", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("problem", sa.String(length=100), nullable=True),
        sa.Column("next_at", sa.String(length=27), nullable=False),
        sa.Column("expires_at", sa.String(length=27), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("case_hook_due", "case_hook", ["due", "host", "next_at"])
    op.create_table(
        "case_hook_call",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("hook", sa.String(length=32), nullable=False),
        sa.Column("at", sa.String(length=27), nullable=False),
        sa.Column("milliseconds", sa.Integer(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("problem", sa.String(length=200), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("case_hook_call_of", "case_hook_call", ["hook", "id"])
    op.create_index("case_hook_call_at", "case_hook_call", ["at"])


def downgrade() -> None:
    raise RuntimeError("which apps are told of a case stands nowhere else; restore a backup instead")
