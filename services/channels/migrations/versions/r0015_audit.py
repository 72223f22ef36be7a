"""The audit log of what operators do."""

from shared.audit.migration import add_address, make_audit_tables

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    make_audit_tables()
    add_address()


def downgrade() -> None:
    raise RuntimeError("an audit log is never deleted; restore a backup instead")
