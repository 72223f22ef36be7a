"""The ledger's root at the channel's position: what comes next must continue it."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("state", sa.Column("root", sa.String(length=64), nullable=True))


def downgrade() -> None:
    raise RuntimeError("releases are never deleted; restore a backup instead")
