"""The search index is made anew: it has one spelling for what people type, and finds single characters."""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # What is indexed stays and is found until the indexer has come to it.
    op.execute("DELETE FROM indexed")


def downgrade() -> None:
    op.execute("DELETE FROM indexed")
