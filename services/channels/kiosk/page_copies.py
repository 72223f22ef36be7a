"""Renders the hall's pages in this process, to know what a screen should display."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import httpx
from fastapi import Request
from starlette.concurrency import run_in_threadpool

from services.channels.kiosk.addresses import BOARD
from services.channels.kiosk.displayed_digest import digest_of

MOST = 500
NEVER_CACHED = frozenset({BOARD})
"""Pages that change although the store does not."""


@dataclass(slots=True)
class PageCopies:
    """Digests of displayed pages, each computed once per cursor."""

    cursor: Callable[[], str]
    _at: str = ""
    _made: OrderedDict[str, str] | None = None

    async def digest(self, request: Request, address: str) -> str:
        """Return `displayed_digest.digest_of` for the page as it is now."""
        cursor = await run_in_threadpool(self.cursor)
        if self._made is None or cursor != self._at:
            self._at, self._made = cursor, OrderedDict()
        made = self._made
        if address not in made or address in NEVER_CACHED:
            made[address] = digest_of(await page(request, address))
            if len(made) > MOST:
                made.popitem(last=False)
        return made[address]


async def page(request: Request, address: str) -> str:
    """Return the HTML at an address below `/kiosk/`, whatever its status."""
    async with internal_client(request) as client:
        return (await client.get(f"/{address}")).text


def internal_client(request: Request) -> httpx.AsyncClient:
    """Return a client of this app without a socket; it uses the scheme and host of `request`."""
    host = dict(request.scope["headers"]).get(b"host", b"inside")
    transport = httpx.ASGITransport(app=request.app)
    return httpx.AsyncClient(transport=transport, base_url=f"{request.url.scheme}://inside", headers=[(b"host", host)])
