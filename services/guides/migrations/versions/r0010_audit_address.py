"""Searching the audit log by address."""

from shared.audit.migration import add_address

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    add_address()


def downgrade() -> None:
    raise RuntimeError("an audit log is never deleted; restore a backup instead")
