"""What may be shown of a dead letter. Of messages from halls (`applications.intake`) no values: they are personal."""

import re
from typing import Any

import orjson
from pydantic import ValidationError

from contracts.envelope.event import HEAD_TYPE, Event
from contracts.envelope.publication import Head, Publication, Release
from contracts.topology import INTAKE_QUEUE, LEDGER_QUEUES, RETIRED_QUEUES
from services.applications.intake import hall_messages
from shared.errors import TongyuanError
from shared.feeds.follower import checked
from shared.messaging.delivery import Message
from shared.web.edge import violations

# A key may contain a person's name or number: repeat only what looks like a field name.
FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,39}")


def redacted(queue: str, body: bytes) -> dict[str, Any]:
    """Return the size in bytes, and the body; for the intake queue the names of its fields instead."""
    if queue != INTAKE_QUEUE:
        return {"size": len(body), "body": body.decode(errors="replace")}
    return {"size": len(body), "fields": _fields(_parsed(body))}


def refusal_reason(queue: str, message: Message) -> str | None:
    """Return why the queue's consumer refuses it (fields and rules).

    None if only its store does, or it no longer does.
    """
    try:
        if queue == INTAKE_QUEUE:
            hall_messages.read(message)
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
    elif queue in (*LEDGER_QUEUES, *RETIRED_QUEUES):
        checked(Release.model_validate(event.data))
    else:
        checked(Publication.model_validate(event.data))


def _parsed(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def _fields(value: Any, prefix: str = "") -> list[str]:
    """Return the names at any depth, e.g. `row.project_no`; an ellipsis where a name may not be one."""
    if not isinstance(value, dict):
        return []
    found = set()
    for name, inner in value.items():
        shown = prefix + (name if FIELD.fullmatch(name) else "…")
        found |= {shown, *_fields(inner, f"{shown}.")}
    return sorted(found)
