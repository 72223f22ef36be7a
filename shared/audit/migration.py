"""The tables of an audit log. Frozen: every service makes them alike, in its own migrations."""

import sqlalchemy as sa
from alembic import op

from shared.database.migration_env import compress_quickly

GENESIS = "0" * 64
SQLITE_TRIGGER = (
    "CREATE TRIGGER audit_log_no_{name} BEFORE {event} ON audit_log BEGIN "
    "SELECT RAISE(ABORT, 'audit_log is append-only'); END"
)
POSTGRES_FUNCTION = (
    "CREATE FUNCTION audit_log_is_append_only() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN RAISE EXCEPTION 'audit_log is append-only'; END $$"
)
POSTGRES_TRIGGER = (
    "CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE ON audit_log "
    "FOR EACH ROW EXECUTE FUNCTION audit_log_is_append_only()"
)

POSTGRES_REMOVAL = (
    "CREATE OR REPLACE FUNCTION audit_log_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
    "IF TG_OP = 'DELETE' AND OLD.at < to_char(now() AT TIME ZONE 'UTC' - interval '10 years', "
    "'YYYY-MM-DD\"T\"HH24:MI:SS') THEN RETURN OLD; END IF; "
    "RAISE EXCEPTION 'audit_log is append-only'; END $$"
)
SQLITE_REMOVAL = (
    "CREATE TRIGGER audit_log_no_delete BEFORE DELETE ON audit_log "
    "WHEN OLD.at >= strftime('%Y-%m-%dT%H:%M:%S', 'now', '-10 years') BEGIN "
    "SELECT RAISE(ABORT, 'audit_log is append-only'); END"
)


def make_audit_tables() -> None:
    """Create an empty log that refuses every change of a row.

    The service's account owns the table in PostgreSQL; it gives up its own rights to change or delete rows. It keeps
    TRUNCATE, with which a restored backup replaces the store as a whole; the signed head tells of that.
    """
    op.create_table(
        "audit_log",
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.String(length=27), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("object", sa.String(length=160), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("changes", sa.Text(), nullable=True),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("sequence"),
    )
    op.create_index("audit_log_at", "audit_log", ["at", "sequence"])
    op.create_index("audit_log_actor", "audit_log", ["actor", "action", "sequence"])
    op.create_index("audit_log_of_actor", "audit_log", ["actor", "sequence"])
    op.create_index("audit_log_action", "audit_log", ["action", "sequence"])
    op.create_index("audit_log_object", "audit_log", ["object", "sequence"])
    compress_quickly("audit_log", "document", "changes")
    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.String(length=27), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.execute(f"INSERT INTO audit_head (id, sequence, at, hash) VALUES (1, 0, '', '{GENESIS}')")  # noqa: S608  # ours
    if op.get_bind().dialect.name == "postgresql":
        op.execute(POSTGRES_FUNCTION)
        op.execute(POSTGRES_TRIGGER)
        op.execute("REVOKE UPDATE, DELETE ON audit_log FROM CURRENT_USER")
        return
    for name, event in (("update", "UPDATE"), ("delete", "DELETE")):
        op.execute(SQLITE_TRIGGER.format(name=name, event=event))


def allow_removal() -> None:
    """Let rows be removed that are older than ten years, by the database's own clock; younger ones stay refused.

    In PostgreSQL the account takes the right to delete only within the removal (`shared.audit.removal`).
    """
    if op.get_bind().dialect.name == "postgresql":
        op.execute(POSTGRES_REMOVAL)
        return
    op.execute("DROP TRIGGER audit_log_no_delete")
    op.execute(SQLITE_REMOVAL)


def add_address() -> None:
    """Add the address of the actor as a column, so that it can be searched.

    Rows refuse every change, so the triggers are away while the column is filled. The chain covers the document, which
    stays as it is.
    """
    op.add_column("audit_log", sa.Column("address", sa.String(length=64), server_default="", nullable=False))
    if op.get_bind().dialect.name == "postgresql":
        op.execute("GRANT UPDATE ON audit_log TO CURRENT_USER")
        op.execute("ALTER TABLE audit_log DISABLE TRIGGER audit_log_append_only")
        op.execute("UPDATE audit_log SET address = CAST(document AS jsonb) -> 'actor' ->> 'address'")
        op.execute("ALTER TABLE audit_log ENABLE TRIGGER audit_log_append_only")
        op.execute("REVOKE UPDATE ON audit_log FROM CURRENT_USER")
    else:
        op.execute("DROP TRIGGER audit_log_no_update")
        op.execute("UPDATE audit_log SET address = json_extract(document, '$.actor.address')")
        op.execute(SQLITE_TRIGGER.format(name="update", event="UPDATE"))
    op.create_index("audit_log_address", "audit_log", ["address", "sequence"])
    op.create_index("audit_log_actor_address", "audit_log", ["actor", "address", "sequence"])
