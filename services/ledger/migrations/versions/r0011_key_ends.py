"""When the newest version of a key ends: guides hide themselves at the end of their items."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

FIELD = {"postgresql": "e.meta::json ->> 'expires_at'", "sqlite": "e.meta ->> '$.expires_at'"}


def upgrade() -> None:
    op.add_column("key", sa.Column("expires_at", sa.String(length=27), nullable=True))
    field = FIELD[op.get_bind().dialect.name]
    op.execute(f"UPDATE key SET expires_at = (SELECT {field} FROM entry e WHERE e.position = key.position)")  # noqa: S608  # fixed names


def downgrade() -> None:
    op.drop_column("key", "expires_at")
