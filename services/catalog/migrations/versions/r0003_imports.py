"""What each source of imports said last, and where each release came from; 基本目录 given or guessed."""

import json
from collections.abc import Iterable, Mapping

import sqlalchemy as sa
from alembic import op

from shared.publishing.imports.migration import make_import_tables

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    make_import_tables()
    op.add_column("directory", sa.Column("origin", sa.String(length=10), nullable=False, server_default="given"))
    connection = op.get_bind()
    rows = connection.execute(sa.text("SELECT catalog_code, document FROM directory")).all()
    codes = connection.execute(sa.text("SELECT code FROM edition")).scalars()
    if rows and grown_from_items(dict(rows), codes):
        connection.execute(sa.text("UPDATE directory SET origin = 'guessed'"))


def grown_from_items(directory: Mapping[str, str], item_codes: Iterable[str]) -> bool:
    """Whether the 基本目录 looks like a by-product of imported items.

    Nothing says of an old row whether it was given or guessed. A guess allows exactly the levels of the items that it
    was worked out from, so a table whose rows are mostly that is one. A directory that was given lists what others
    carry out too, at their levels. A wrong guess here refuses nothing: C-7 rests until a directory is given again.
    """
    levels: dict[str, set[str]] = {}
    for code in item_codes:
        levels.setdefault(code[19:31], set()).add(code[18])
    explained = sum(set(json.loads(row)["use_level"]) <= levels.get(code, set()) for code, row in directory.items())
    return explained * 2 >= len(directory)


def downgrade() -> None:
    raise RuntimeError("releases are never deleted; restore a backup instead")
