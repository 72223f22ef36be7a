"""The least ASGI app: the same bytes to everybody. What a server can do at most, in the same run as ours."""

import os
from pathlib import Path

from starlette.types import Receive, Scope, Send

BODY = Path(os.environ["BARE_BODY"]).read_bytes()
HEADERS = [
    (b"content-type", os.environ["BARE_TYPE"].encode()),
    (b"content-length", str(len(BODY)).encode()),
]


async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
    """One answer to whatever is asked."""
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": BODY})
