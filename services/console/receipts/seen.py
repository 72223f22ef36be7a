"""What channels and screens show, asked once a round for all receipts that are followed."""

from collections.abc import Iterable, Sequence

import orjson

from contracts.base import Json
from services.console.receipts.model import ReceiptRow
from services.console.upstream.services import Services
from shared.errors import TongyuanError
from shared.tokens.person import Person

READER = Person("receipts", "发布回执", frozenset())
"""In whose name the desk looks at channels: its own. It may read and nothing else."""

AT_ONCE = 50
"""Keys of one question: its address stays below 4 KB."""


class Seen:
    """One round's view of the channels: each is asked when it is first looked at, for all keys wanted of it."""

    def __init__(self, services: Services, channels: Sequence[str], rows: Iterable[ReceiptRow]) -> None:
        self._services = services
        self._wanted: dict[str, dict[str, None]] = {name: {} for name in channels}
        for row in rows:
            on = orjson.loads(row.places)
            for name in self._wanted.keys() - on.keys():
                self._wanted[name] |= dict.fromkeys(one["key"] for one in orjson.loads(row.versions))
        self._stored: dict[str, dict[str, Json] | TongyuanError] = {}
        self._screens: list[Json] | TongyuanError | None = None

    def stored(self, channel: str, key: str) -> Json | None:
        """Return a channel's state of a key, None if it has none. Raises what the channel's answer says."""
        if channel not in self._stored:
            self._stored[channel] = self._traces(channel)
        found = self._stored[channel]
        if isinstance(found, TongyuanError):
            raise found
        return found.get(key)

    def screens(self) -> list[Json]:
        """Return the screens of the hall. Raises what the channel's answer says."""
        if self._screens is None:
            self._screens = self._enrolled()
        if isinstance(self._screens, TongyuanError):
            raise self._screens
        return self._screens

    def _traces(self, channel: str) -> dict[str, Json] | TongyuanError:
        keys = list(self._wanted[channel])
        found: dict[str, Json] = {}
        try:
            for start in range(0, len(keys), AT_ONCE):
                asked = keys[start : start + AT_ONCE]
                traces = self._services.get(channel, "traces", READER, key=asked).content["traces"]
                found |= {one["key"]: one for one in traces}
        except TongyuanError as error:
            return error
        return found

    def _enrolled(self) -> list[Json] | TongyuanError:
        try:
            return list(self._services.get("kiosk", "screens", READER).content["screens"])
        except TongyuanError as error:
            return error
