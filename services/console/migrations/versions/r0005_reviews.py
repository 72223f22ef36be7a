"""The receipt of a set, and who signs for whom while somebody is away."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("release_set", sa.Column("receipt", sa.Integer(), nullable=True))


def downgrade() -> None:
    raise RuntimeError("receipts are kept for ever; restore a backup instead")
