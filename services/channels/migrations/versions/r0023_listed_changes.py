"""Indexes for the changes that are listed, and for the number of documents shown.

`ix_document_change` has every case too, and there may be millions. `ix_document_kind_digest` misled SQLite: it read and
sorted all documents of the listed kinds to find the newest changes. The index in its place serves the number alone. The
kinds are those of `LISTED_SQL`, letter for letter: otherwise the database does not use the index.
"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


LISTED = sa.text("kind IN ('guide', 'item')")
SHOWN = sa.text("content_digest IS NOT NULL")


def upgrade() -> None:
    op.create_index("ix_document_listed_change", "document", ["change"], sqlite_where=LISTED, postgresql_where=LISTED)
    # With the digest in it, SQLite reads the index alone.
    columns = ["kind", "content_digest"]
    op.create_index("ix_document_shown", "document", columns, sqlite_where=SHOWN, postgresql_where=SHOWN)
    op.drop_index("ix_document_kind_digest", "document", if_exists=True)


def downgrade() -> None:
    op.create_index("ix_document_kind_digest", "document", ["kind", "content_digest"])
    op.drop_index("ix_document_shown", "document")
    op.drop_index("ix_document_listed_change", "document")
