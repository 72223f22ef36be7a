"""When the file of an upload was removed: its jobs stay."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("upload", sa.Column("removed_at", sa.String(length=27), nullable=True))


def downgrade() -> None:
    raise RuntimeError("what was imported is never forgotten; restore a backup instead")
