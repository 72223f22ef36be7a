"""Everything that a screen keeps to go on without a network: its addresses below `/kiosk/`, each with a digest.

The digest is the hex SHA-256 of the very bytes that are answered, so a screen knows that it has got what was meant. A
page is made anew for its digest only when what it is made of has changed. A first catalogue takes 20 ms an item (its QR
codes), so it is made in turns, and who asks before it is whole is told to come again. `ends` says when a document that
is shown now stops to hold, because it ends or because a later version begins: without a network nobody else would tell.
"""

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field

import httpx
import orjson
from fastapi import Request
from starlette.concurrency import run_in_threadpool

from contracts.publication import Kind
from services.channels.facets import Filter
from services.channels.kiosk.addresses import BOARD, FIXED, choices, listing
from services.channels.kiosk.copies import inside
from services.channels.reader import Reader
from services.channels.rendering import Place, origin
from shared.errors import Unavailable

FINDER = "v1/finder"
TURN_SECONDS = 8.0
MOST_ORIGINS = 2
"""Pages name the address that they were asked at where `TONGYUAN_PUBLIC_URL` is not set."""

Plan = dict[str, str]
"""Address → of what its page is made, as a digest."""


@dataclass(slots=True)
class _Made:
    """What was made for one origin."""

    cursor: str = ""
    plan: Plan = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)


class Catalogue:
    """Makes it when it is asked for and something has changed. Who comes meanwhile waits."""

    def __init__(self, place: Place, reader: Reader) -> None:
        self._place, self._reader = place, reader
        self._turn = asyncio.Lock()
        self._made: OrderedDict[str, _Made] = OrderedDict()

    async def get(self, request: Request) -> bytes:
        """As JSON: `entries` are pairs of address and digest (null: it changes by itself), `ends` by key.

        Raises `Unavailable` while it is not whole; what is made already stays made.
        """
        async with self._turn:
            made = self._for(origin(request))
            cursor = await run_in_threadpool(self._reader.released)
            if made.cursor != cursor:
                await self._go_on(request, made, await run_in_threadpool(self._planned))
                made.cursor = cursor
            return await run_in_threadpool(self._written, made.digests)

    def _for(self, here: str) -> _Made:
        made = self._made.setdefault(here, _Made())
        self._made.move_to_end(here)
        while len(self._made) > MOST_ORIGINS:
            self._made.popitem(last=False)
        return made

    async def _go_on(self, request: Request, made: _Made, plan: Plan) -> None:
        until = time.monotonic() + TURN_SECONDS
        lacking = [address for address, of in plan.items() if made.plan.get(address) != of]
        async with inside(request) as client:
            for number, address in enumerate(lacking):
                if number and time.monotonic() > until:
                    raise Unavailable(f"{len(lacking) - number} pages are still to be made")
                made.digests[address] = await _asked(client, address)
                made.plan[address] = plan[address]
        made.digests = {address: made.digests[address] for address in plan}
        made.plan = plan

    def _written(self, digests: dict[str, str]) -> bytes:
        files = [[f"static/{name}", _sha256(asset.content)] for name, asset in self._place.assets.items()]
        entries = [*digests.items(), [BOARD, None], *files]
        return orjson.dumps({"entries": entries, "ends": self._reader.ends()})

    def _planned(self) -> Plan:
        guides = {guide["code"]: guide for guide in self._reader.documents(Kind.GUIDE)}
        items = list(self._reader.documents(Kind.ITEM))
        whole = _sha256(orjson.dumps([items, guides], option=orjson.OPT_NON_STR_KEYS))
        plan = {address: whole for address in (*FIXED, FINDER) if address != BOARD}
        for choice in choices(self._reader.facets()):
            plan |= self._lists(choice)
        return plan | {f"items/{one['code']}": _sha256(orjson.dumps([one, guides.get(one["code"])])) for one in items}

    def _lists(self, choice: Filter) -> Iterator[tuple[str, str]]:
        size = self._place.page_size
        found = self._reader.items(choice, 0, 10**6)
        for start in range(0, max(1, found.total), size):
            of = _sha256(orjson.dumps([found.items[start : start + size], found.total]))
            yield listing(choice, start // size + 1), of


async def _asked(client: httpx.AsyncClient, address: str) -> str:
    """Raises `Unavailable` for what does not come: a catalogue is whole or not at all."""
    answer = await client.get(f"/{address}")
    if answer.status_code != httpx.codes.OK:
        raise Unavailable("a page has gone while the catalogue was made")
    return _sha256(answer.content)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
