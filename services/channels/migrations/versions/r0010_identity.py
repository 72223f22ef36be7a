"""The county that the store belongs to."""

from alembic import op

from shared.county.migration import make_identity_table

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    make_identity_table()


def downgrade() -> None:
    op.drop_table("identity")
