"""The event loop of a process that serves HTTP."""

from typing import Any

import uvloop

HANDSHAKE_SECONDS = 10.0


class Loop(uvloop.Loop):
    """uvloop, with less than its minute for a TLS handshake: until it ends, the connection is not counted."""

    async def create_server(self, *given: Any, **named: Any) -> Any:
        """See `asyncio.loop.create_server`."""
        if named.get("ssl"):
            named.setdefault("ssl_handshake_timeout", HANDSHAKE_SECONDS)
        return await super().create_server(*given, **named)
