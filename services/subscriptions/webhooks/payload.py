"""The body of a call: the event as the feed has it, without the entry's body where that would be too large."""

from typing import Any

import orjson

DATAREF = "dataref"


def payload(event: str, limit: int) -> bytes:
    """Return the bytes to send. Above `limit` the entry's body and proof are left out; `dataref` says where they are.

    The reference is the ledger's public address of the entry, relative to the county's.
    """
    whole = event.encode()
    if len(whole) <= limit:
        return whole
    content: dict[str, Any] = orjson.loads(whole)
    data = {name: value for name, value in content["data"].items() if name not in ("body", "proof")}
    reference = f"/ledger/v1/entries/{data['position']}" if "position" in data else None
    return orjson.dumps({**content, DATAREF: reference, "data": {**data, "body": None}})
