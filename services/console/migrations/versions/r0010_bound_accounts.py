"""An account belongs to one person of the OpenID provider; a session on its way remembers whom the provider named."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("account", sa.Column("bound_subject", sa.String(length=64), nullable=True))
    op.add_column("account", sa.Column("bound_at", sa.String(length=27), nullable=True))
    op.create_index("account_bound_subject", "account", ["bound_subject"], unique=True)
    op.add_column("session", sa.Column("subject", sa.String(length=64), nullable=True))


def downgrade() -> None:
    op.drop_column("session", "subject")
    op.drop_index("account_bound_subject", "account")
    op.drop_column("account", "bound_at")
    op.drop_column("account", "bound_subject")
