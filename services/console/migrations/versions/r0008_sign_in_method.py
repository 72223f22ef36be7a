"""A session tells how its owner signed in: with a password, or with an account of the unit."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("session", sa.Column("method", sa.String(length=16), nullable=False, server_default="password"))


def downgrade() -> None:
    op.drop_column("session", "method")
