"""What is known of items also says from when and until when they stand.

Known items are forgotten, so that the next comparison with the ledger handles each again, with its times.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("DELETE FROM seen_item")
    op.add_column("seen_item", sa.Column("versions", sa.Text(), nullable=False, server_default="[]"))


def downgrade() -> None:
    op.drop_column("seen_item", "versions")
