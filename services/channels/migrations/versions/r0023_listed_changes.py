"""Indexes for the changes that are listed, and for the number of documents shown.

`ix_document_change` has every case too, and there may be millions. `ix_document_kind_digest` misled SQLite: it read and
sorted all documents of the listed kinds to find the newest changes. The index in its place serves the number alone. The
kinds are those of `LISTED_SQL`, letter for letter: otherwise the database does not use the index.
"""

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE INDEX ix_document_listed_change ON document (change) WHERE kind IN ('guide', 'item')")
    # With the digest in it, SQLite reads the index alone.
    op.execute("CREATE INDEX ix_document_shown ON document (kind, content_digest) WHERE content_digest IS NOT NULL")
    op.drop_index("ix_document_kind_digest", "document")


def downgrade() -> None:
    op.create_index("ix_document_kind_digest", "document", ["kind", "content_digest"])
    op.drop_index("ix_document_shown", "document")
    op.drop_index("ix_document_listed_change", "document")
