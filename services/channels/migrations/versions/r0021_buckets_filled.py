"""The bucket of every key that is stored: the first byte of SHA-256 over the key, in hex.

What a process of the version before writes after this keeps an empty bucket, which readers look through as well.
"""

import hashlib
from typing import Any

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("document", "aside", "scheduled"):
        op.execute(f"UPDATE {table} SET bucket = {_bucket()}")  # noqa: S608  # fixed names
    op.create_index("ix_document_bucket", "document", ["bucket"])
    op.create_index("ix_aside_bucket", "aside", ["bucket"])


def downgrade() -> None:
    op.drop_index("ix_aside_bucket", "aside")
    op.drop_index("ix_document_bucket", "document")


def _bucket() -> str:
    """Return the expression of a key's bucket."""
    if op.get_bind().dialect.name == "postgresql":
        return "substr(encode(sha256(convert_to(key, 'UTF8')), 'hex'), 1, 2)"
    driver: Any = op.get_bind().connection.driver_connection
    driver.create_function("bucket_of", 1, lambda key: hashlib.sha256(key.encode()).hexdigest()[:2])
    return "bucket_of(key)"
