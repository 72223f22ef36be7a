"""Who follows a withdrawn version, for the verify page: the act that was released with the withdrawal names them."""

from collections.abc import Iterator
from dataclasses import dataclass

import orjson
from sqlmodel import Session

from contracts.content.acts import LONGEST_SUCCESSION
from contracts.envelope.publication import Op
from contracts.kinds import Kind
from services.ledger import queries
from services.ledger.erasure.withholding import completions_of
from services.ledger.verify.acts import act_on
from services.ledger.verify.copy_judgement import CopyJudgement, judge


@dataclass(frozen=True, slots=True)
class Successor:
    """An item that is in force, and its name."""

    code: str
    name: str


def successors_of(session: Session, kind: str, code: str, now: str) -> list[Successor]:
    """Return the items that follow a withdrawn item or guide now. One that was succeeded itself is followed on."""
    return list(_followed(session, [f"{kind}:{code}", f"{Kind.ITEM}:{code}"], now, set()))


def _judged(session: Session, key: str, now: str) -> CopyJudgement:
    versions = queries.versions(session, key)
    return judge(versions, None, "", now, completions=completions_of(session, versions))


def _followed(session: Session, keys: list[str], now: str, seen: set[str]) -> Iterator[Successor]:
    for key in keys:
        if key in seen or len(seen) > LONGEST_SUCCESSION:
            continue
        seen.add(key)
        ruling = _judged(session, key, now).ruling
        if ruling is not None and ruling["op"] == Op.WITHDRAW:
            act = act_on(session, ruling)
            yield from _successors(session, act["successors"] if act else [], now, seen)


def _successors(session: Session, keys: list[str], now: str, seen: set[str]) -> Iterator[Successor]:
    for key in keys:
        in_force = _judged(session, key, now).in_force
        if in_force is None:
            yield from _followed(session, [key], now, seen)
        elif key not in seen:
            seen.add(key)
            (document,) = queries.documents(session, [queries.entry(session, in_force["position"])], trusted=False)
            body = orjson.loads(document)["body"] or {}
            yield Successor(key.partition(":")[2], str(body.get("task_name", "")))
