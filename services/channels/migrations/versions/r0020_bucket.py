"""The digest bucket of each key, so that one bucket is read without the others; and whose the documents aside are.

Nothing but the columns: their locks stop readers, so they are held for a moment only.
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("document", sa.Column("bucket", sa.String(2), nullable=False, server_default=""))
    op.add_column("aside", sa.Column("bucket", sa.String(2), nullable=False, server_default=""))
    op.add_column("scheduled", sa.Column("bucket", sa.String(2), nullable=False, server_default=""))
    op.create_table(
        "aside_build",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("token", sa.String(16), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("aside_build")
    for table in ("scheduled", "aside", "document"):
        op.drop_column(table, "bucket")
