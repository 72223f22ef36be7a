"""The hall's pages as anybody gets them, asked for in this process, to say what a screen should show."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import httpx
from fastapi import Request
from starlette.concurrency import run_in_threadpool

from services.channels.kiosk.addresses import BOARD
from services.channels.kiosk.glass import digest_of

MOST = 500
PASSING = frozenset({BOARD})
"""Pages that change while the channel stands still."""


@dataclass(slots=True)
class Copies:
    """Digests of what pages show, each made once as long as the cursor stays the same."""

    cursor: Callable[[], str]
    _at: str = ""
    _made: OrderedDict[str, str] | None = None

    async def glass(self, request: Request, address: str) -> str:
        """What `glass.digest_of` gives of the page that is there now."""
        cursor = await run_in_threadpool(self.cursor)
        if self._made is None or cursor != self._at:
            self._at, self._made = cursor, OrderedDict()
        made = self._made
        if address not in made or address in PASSING:
            made[address] = digest_of(await page(request, address))
            if len(made) > MOST:
                made.popitem(last=False)
        return made[address]


async def page(request: Request, address: str) -> str:
    """HTML at an address below `/kiosk/`, whatever its status."""
    async with inside(request) as client:
        return (await client.get(f"/{address}")).text


def inside(request: Request) -> httpx.AsyncClient:
    """A client of this very app, without a socket, which is asked as `request` is: by the same scheme and host."""
    host = dict(request.scope["headers"]).get(b"host", b"inside")
    transport = httpx.ASGITransport(app=request.app)
    return httpx.AsyncClient(transport=transport, base_url=f"{request.url.scheme}://inside", headers=[(b"host", host)])
