"""A minimal ASGI app that always answers the same bytes: the upper bound for a server, measured in the same run."""

import os
from pathlib import Path

from starlette.types import Receive, Scope, Send

BODY = Path(os.environ["BARE_BODY"]).read_bytes()
HEADERS = [
    (b"content-type", os.environ["BARE_TYPE"].encode()),
    (b"content-length", str(len(BODY)).encode()),
]


async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Answer every request alike."""
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": BODY})
