"""The offline manifest: all addresses below `/kiosk/` that a screen caches to work without a network, with digests.

A digest is the hex SHA-256 of the bytes answered, so that a screen can verify what it cached. A page is rendered for
its digest only if the documents it is made from have changed. A first manifest takes 20 ms per item (QR codes), so it
is built in several turns, and requests are refused until it is complete. `ends` says when a document that is shown now
stops being valid, because it expires or a later version begins: without a network the screen could not learn that.
"""

import asyncio
import hashlib
import time
from collections import Counter, OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field

import httpx
import orjson
from fastapi import Request
from starlette.concurrency import run_in_threadpool

from contracts.envelope.publication import Kind
from services.channels.kiosk.addresses import BOARD, FIXED, choices, listing
from services.channels.kiosk.page_copies import internal_client
from services.channels.pages.reader import ChannelReader
from services.channels.pages.rendering import ChannelPages, origin
from services.channels.search.facets import Filter
from shared.errors import Unavailable

FINDER = "v1/finder"
TURN_SECONDS = 8.0
MOST_ORIGINS = 2
"""Pages contain the origin of the request if `TONGYUAN_PUBLIC_URL` is not set, so each origin has its own digests: that
of the screens, and one other.
"""
MOST_COUNTED = 1_000
SHARE_OF_OTHERS = 0.1
"""Share of the time in which pages are rendered for other origins than that of the screens."""

Plan = dict[str, str]
"""Address → digest of the documents from which its page is made."""


@dataclass(slots=True)
class _Made:
    """The manifest of one origin."""

    cursor: str = ""
    plan: Plan = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)


class OfflineManifest:
    """Builds the manifest on request after a change. Concurrent requests wait."""

    def __init__(self, place: ChannelPages, reader: ChannelReader) -> None:
        self._place, self._reader = place, reader
        self._turn = asyncio.Lock()
        self._made: OrderedDict[str, _Made] = OrderedDict()
        self._asked: Counter[str] = Counter()
        self._others_after = 0.0

    async def get(self, request: Request) -> bytes:
        """Return JSON: `entries`, pairs of address and digest (null: changes on its own), and `ends` by key.

        Raises `Unavailable` until it is complete; digests already computed are kept.
        """
        async with self._turn:
            here = origin(request)
            self._count(here)
            cursor = await run_in_threadpool(self._reader.released)
            made = self._made.get(here)
            if made is None or made.cursor != cursor:
                made = await self._renewed(request, here)
                made.cursor = cursor
            return await run_in_threadpool(self._written, made.digests)

    def _count(self, here: str) -> None:
        self._asked[here] += 1
        if self._asked.total() > MOST_COUNTED:
            self._asked = Counter({name: count // 2 for name, count in self._asked.items() if count > 1})

    def _usual(self) -> str:
        """Return the origin that is asked for most: a stranger's Host header does not drive out that of the screens."""
        return next((name for name, _ in self._asked.most_common(1)), "")

    async def _renewed(self, request: Request, here: str) -> _Made:
        is_usual = here == self._usual()
        if not is_usual and time.monotonic() < self._others_after:
            raise Unavailable("this is not the usual address: set TONGYUAN_PUBLIC_URL, or try again")
        made, began = self._for(here), time.monotonic()
        try:
            await self._go_on(request, made, await run_in_threadpool(self._planned))
        finally:
            if not is_usual:
                ended = time.monotonic()
                self._others_after = ended + (ended - began) / SHARE_OF_OTHERS
        return made

    def _for(self, here: str) -> _Made:
        made = self._made.setdefault(here, _Made())
        self._made.move_to_end(here)
        for name in list(self._made):
            if len(self._made) > MOST_ORIGINS and name not in (here, self._usual()):
                del self._made[name]
        return made

    async def _go_on(self, request: Request, made: _Made, plan: Plan) -> None:
        until = time.monotonic() + TURN_SECONDS
        lacking = [address for address, of in plan.items() if made.plan.get(address) != of]
        async with internal_client(request) as client:
            for number, address in enumerate(lacking):
                if number and time.monotonic() > until:
                    raise Unavailable(f"{len(lacking) - number} pages are not rendered yet")
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
    """Return the digest of a page. Raises `Unavailable` if it cannot be fetched, so that no manifest is incomplete."""
    answer = await client.get(f"/{address}")
    if answer.status_code != httpx.codes.OK:
        raise Unavailable("a page was removed while the manifest was made")
    return _sha256(answer.content)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
