"""The proof of each entry, made when it is recorded. What was recorded before has none: it is proven to a head."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("entry", sa.Column("proof", sa.Text(), nullable=True))


def downgrade() -> None:
    raise RuntimeError("releases are never deleted; restore a backup instead")
