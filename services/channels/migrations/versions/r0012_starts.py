"""From when anybody could read each version. Known ones get the later of release and effect until a rebuild."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

STARTS = "CASE WHEN effective_at > released_at THEN effective_at ELSE released_at END"


def upgrade() -> None:
    op.add_column("document", sa.Column("starts_at", sa.String(length=27), nullable=False, server_default=""))
    op.add_column("aside", sa.Column("starts_at", sa.String(length=27), nullable=False, server_default=""))
    op.add_column("scheduled", sa.Column("starts_at", sa.String(length=27), nullable=False, server_default=""))
    for table in ("document", "aside", "scheduled"):
        op.execute(f"UPDATE {table} SET starts_at = {STARTS}")  # noqa: S608  # fixed names


def downgrade() -> None:
    raise RuntimeError("releases are never deleted; restore a backup instead")
