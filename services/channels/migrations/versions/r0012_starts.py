"""From when anybody could read each version. Known ones get the later of release and effect until a rebuild."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("document", "aside", "scheduled"):
        op.add_column(table, sa.Column("starts_at", sa.String(length=27), nullable=False, server_default=""))
        op.execute(
            f"UPDATE {table} SET starts_at = CASE WHEN effective_at > released_at THEN effective_at "  # noqa: S608  # fixed names
            "ELSE released_at END"
        )


def downgrade() -> None:
    raise RuntimeError("releases are never deleted; restore a backup instead")
