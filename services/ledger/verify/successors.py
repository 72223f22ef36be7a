"""Who follows a withdrawn version, for the verify page: the act that was released with the withdrawal names them."""

from collections.abc import Iterator
from dataclasses import dataclass

import orjson
from sqlmodel import Session, col, select

from contracts.base import Json
from contracts.envelope.publication import Op
from contracts.kinds import Kind
from services.ledger import queries
from services.ledger.model import EntryRow
from services.ledger.verify.copy_judgement import judge

REACH = 50
"""An act follows what it explains in the same lane of its source; so many places behind it is looked for."""

LONGEST_CHAIN = 20


@dataclass(frozen=True, slots=True)
class Successor:
    """An item that is in force, and its name."""

    code: str
    name: str


def successors_of(session: Session, kind: str, code: str, now: str) -> list[Successor]:
    """Return the items that follow a withdrawn item or guide now. One that was succeeded itself is followed on."""
    return list(_followed(session, [f"{kind}:{code}", f"{Kind.ITEM}:{code}"], now, set()))


def _followed(session: Session, keys: list[str], now: str, seen: set[str]) -> Iterator[Successor]:
    for key in keys:
        if key in seen or len(seen) > LONGEST_CHAIN:
            continue
        seen.add(key)
        ruling = judge(queries.versions(session, key), None, "", now).ruling
        if ruling is not None and ruling["op"] == Op.WITHDRAW:
            yield from _successors(session, _named(session, ruling), now, seen)


def _successors(session: Session, keys: list[str], now: str, seen: set[str]) -> Iterator[Successor]:
    for key in keys:
        in_force = judge(queries.versions(session, key), None, "", now).in_force
        if in_force is None:
            yield from _followed(session, [key], now, seen)
        elif key not in seen:
            seen.add(key)
            (document,) = queries.documents(session, [queries.entry(session, in_force["position"])], trusted=False)
            body = orjson.loads(document)["body"] or {}
            yield Successor(key.partition(":")[2], str(body.get("task_name", "")))


def _named(session: Session, withdrawal: Json) -> list[str]:
    """Return the keys that the act of this withdrawal names."""
    place, after = f"{Kind.ACT}:{withdrawal['source']}-{withdrawal['lane']}", withdrawal["sequence"]
    keys = [f"{place}-{number}" for number in range(after + 1, after + 1 + REACH)]
    rows = session.exec(select(EntryRow).where(col(EntryRow.key).in_(keys)).order_by(col(EntryRow.position))).all()
    for document in queries.documents(session, rows, trusted=False):
        body = orjson.loads(document)["body"]
        acted = [(one["key"], one["version"]) for one in body["acts_on"]] if body else []
        if (withdrawal["key"], withdrawal["version"]) in acted:
            return list(body["successors"])
    return []
