"""What may be said about a dead letter; of what halls sent (`applications.intake`) no value: it is about people."""

import re
from typing import Any

import orjson
from pydantic import ValidationError

from contracts.event import HEAD_TYPE, Event
from contracts.publication import Head, Publication, Release
from contracts.topology import BACKFILL_QUEUE, INTAKE_QUEUE, LEDGER_QUEUE
from services.applications import arrivals
from shared.delivery import Message
from shared.errors import TongyuanError
from shared.follower import checked
from shared.http import violations

# A key might be a name or a number too: only what looks like a field's name is repeated.
FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,39}")


def told(queue: str, body: bytes) -> dict[str, Any]:
    """Size in bytes, and the body itself or, of the intake, which fields are present."""
    if queue != INTAKE_QUEUE:
        return {"size": len(body), "body": body.decode(errors="replace")}
    return {"size": len(body), "fields": _fields(_parsed(body))}


def complaint(queue: str, message: Message) -> str | None:
    """Why the queue's reader refuses it: fields and rules. None when only its store says no, or not any more."""
    try:
        if queue == INTAKE_QUEUE:
            arrivals.read(message)
        else:
            _read(queue, Event.model_validate(orjson.loads(message.body)))
    except ValidationError as error:
        return "; ".join(f"{v['field']}: {v['message']} [{v['rule']}]" for v in violations(error.errors())[:3])
    except (ValueError, TongyuanError) as error:
        return str(error)
    return None


def _read(queue: str, event: Event) -> None:
    if event.type == HEAD_TYPE:
        Head.model_validate(event.data)
    elif queue in (LEDGER_QUEUE, BACKFILL_QUEUE):
        checked(Release.model_validate(event.data))
    else:
        checked(Publication.model_validate(event.data))


def _parsed(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def _fields(value: Any, prefix: str = "") -> list[str]:
    """Names at any depth, `row.project_no`; an ellipsis where a name might not be one."""
    if not isinstance(value, dict):
        return []
    found = set()
    for name, inner in value.items():
        shown = prefix + (name if FIELD.fullmatch(name) else "…")
        found |= {shown, *_fields(inner, f"{shown}.")}
    return sorted(found)
