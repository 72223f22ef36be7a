"""The desk's audit log; the changes of people, which had no chain, become its first rows."""

import hashlib
import json
from typing import Any

import sqlalchemy as sa
from alembic import op

from shared.audit.migration import GENESIS, add_address, make_audit_tables

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

OLD = "SELECT at, actor, address, action, account, before, after FROM people_change ORDER BY id"


def upgrade() -> None:
    make_audit_tables()
    _copy_changes()
    add_address()
    op.drop_table("people_change")


def downgrade() -> None:
    raise RuntimeError("an audit log is never deleted; restore a backup instead")


def _copy_changes() -> None:
    """The chain covers them from here on only, so each says where it was copied from."""
    connection = op.get_bind()
    sequence, newest, previous = 0, "", GENESIS
    for old in connection.execute(sa.text(OLD)).all():
        sequence, newest = sequence + 1, max(newest, old.at)
        document = _document(old)
        previous = hashlib.sha256(f"{previous}{sequence}:{newest}:{document}".encode()).hexdigest()
        named = {"actor": old.actor, "action": old.action, "object": f"account:{old.account}"}
        row = {"sequence": sequence, "at": newest, **named, "document": document, "hash": previous}
        connection.execute(
            sa.text(
                "INSERT INTO audit_log (sequence, at, actor, action, object, document, hash) "
                "VALUES (:sequence, :at, :actor, :action, :object, :document, :hash)"
            ),
            row,
        )
    head = {"sequence": sequence, "at": newest, "hash": previous}
    connection.execute(sa.text("UPDATE audit_head SET sequence = :sequence, at = :at, hash = :hash WHERE id = 1"), head)


def _document(old: Any) -> str:
    """Return RFC 8785 JSON: it holds no fractions, and its names are ASCII, which sort alike in both."""
    content = {
        # Roles of that moment were not written down.
        "actor": {
            "name": old.actor,
            "title": old.actor,
            "is_person": None,
            "roles": None,
            "address": old.address,
        },
        "action": old.action,
        "object": f"account:{old.account}",
        "before": json.loads(old.before) if old.before else None,
        "after": json.loads(old.after) if old.after else None,
        "changes_digest": None,
        "trace_id": None,
        "copied_from": "people_change",
    }
    return json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
