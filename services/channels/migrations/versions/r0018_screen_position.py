"""Up to which position of the ledger each screen of the hall had shown, and when."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "screen_position",
        sa.Column("screen", sa.String(length=40), nullable=False),
        sa.Column("since", sa.String(length=27), nullable=False),
        sa.Column("until", sa.String(length=27), nullable=True),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("screen", "since"),
    )


def downgrade() -> None:
    raise RuntimeError("what screens showed is told by nothing else; restore a backup instead")
