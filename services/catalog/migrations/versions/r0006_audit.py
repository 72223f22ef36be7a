"""The audit log."""

from shared.audit.migration import make_audit_tables

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    make_audit_tables()


def downgrade() -> None:
    raise RuntimeError("an audit log is never deleted; restore a backup instead")
