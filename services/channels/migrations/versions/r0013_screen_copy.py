"""How much of the catalogue each screen of the hall keeps, and of when."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("screen", sa.Column("kept", sa.Integer(), nullable=True))
    op.add_column("screen", sa.Column("kept_of", sa.Integer(), nullable=True))
    op.add_column("screen", sa.Column("kept_at", sa.String(27), nullable=True))


def downgrade() -> None:
    for column in ("kept_at", "kept_of", "kept"):
        op.drop_column("screen", column)
