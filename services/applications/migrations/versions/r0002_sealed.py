"""What is personal is sealed. Needs the keys (`TONGYUAN_PERSONAL_KEY_FILE`) where there are cases already.

One transaction: interrupted, the store is as it was. What the rows held before lies in the files until
`services.applications.privacy.key_rotation.clean` has rewritten them, which the mark asks for.
"""

import orjson
import sqlalchemy as sa
from alembic import context, op

from shared.errors import Unavailable
from shared.security.vault import SealedField, Vault

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

BATCH = 1000


def upgrade() -> None:
    with op.batch_alter_table("request") as table:
        table.alter_column("content", existing_type=sa.String(length=64), type_=sa.Text(), existing_nullable=False)
    op.create_table(
        "sealing_mark",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("unclean", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    sealed = _seal("application", ("project_no",), "personal") + _seal("fact", ("project_no", "fact_id"), "document")
    sealed += _seal_requests()
    mark = sa.text("INSERT INTO sealing_mark (id, unclean) VALUES (1, :unclean)")
    op.get_bind().execute(mark, {"unclean": sealed > 0})


def downgrade() -> None:
    raise RuntimeError("sealed values stay sealed; restore a backup instead")


def _seal(table: str, key: tuple[str, ...], column: str) -> int:
    """Every value of a column, in batches by the row's key; how many."""
    connection, count = op.get_bind(), 0
    columns, bound = ", ".join(key), ", ".join(f":{name}" for name in key)
    after = dict.fromkeys(key, "")
    rows = sa.text(
        f"SELECT {columns}, {column} AS plain FROM {table} WHERE ({columns}) > ({bound}) "  # noqa: S608  # our own names
        f"ORDER BY {columns} LIMIT {BATCH}"
    )
    same = " AND ".join(f"{name} = :{name}" for name in key)
    update = sa.text(f"UPDATE {table} SET {column} = :sealed WHERE {same}")  # noqa: S608  # our own names
    while found := connection.execute(rows, after).mappings().all():
        places = [{name: row[name] for name in key} for row in found]
        vault = _vault()
        sealed = [
            {**place, "sealed": vault.seal(row["plain"], SealedField(table, column, tuple(place.values())))}
            for place, row in zip(places, found, strict=True)
        ]
        connection.execute(update, sealed)
        count, after = count + len(found), places[-1]
    return count


def _seal_requests() -> int:
    """A request was named by the hash of its identity: it gets a keyed hash of that, and both are kept sealed."""
    connection = op.get_bind()
    found = connection.execute(sa.text("SELECT request, content FROM request")).all()
    update = sa.text("UPDATE request SET request = :name, content = :sealed WHERE request = :request")
    for request, content in found:
        name = _vault().names(request)[0]
        known = orjson.dumps({"request": request, "content": content}).decode()
        sealed = _vault().seal(known, SealedField("request", "content", (name,)))
        connection.execute(update, {"request": request, "name": name, "sealed": sealed})
    return len(found)


def _vault() -> Vault:
    vault = context.config.attributes.get("vault")
    if not isinstance(vault, Vault):
        raise Unavailable("applications: TONGYUAN_PERSONAL_KEY_FILE: its rows cannot be sealed without keys")
    return vault
