"""Where events come from: one small port, and the county's HTTP as one way to fill it."""

import json
import time
from collections.abc import Generator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

import httpx

PAGE = 500
"""Entries a request; the ledger gives at most 1,000."""

EPOCH = "ledger"
SILENCE = 40.0
"""Seconds without a byte after which a stream counts as broken; the county sends a heartbeat every 15."""


@dataclass(frozen=True, slots=True)
class Page:
    """Entries in order of position, as JSON, and the size of the feed."""

    entries: Any
    size: Any


class Feed(Protocol):
    """What a subscriber needs of a transport. Every method raises `OSError` or `httpx.HTTPError` when it fails."""

    def open(self) -> tuple[str, int]:
        """Return the epoch of the feed and its size."""

    def entries(self, first: int) -> Page:
        """Return entries from position `first` on."""

    def entry(self, position: int) -> Any:
        """Return one entry."""

    def listed_keys(self) -> Any:
        """Return the public keys that the county lists."""

    def wait(self, seconds: float) -> list[Any]:
        """Return events as soon as there are any, at the latest after about `seconds`: hints, which may be empty."""

    def done(self) -> None:
        """Everything that `wait` has returned is stored."""

    def close(self) -> None:
        """Let go of every connection."""


class HttpFeed:
    """The ledger over HTTP; a channel's event stream says when to look again."""

    def __init__(self, base: str, channel: str = "web", http: httpx.Client | None = None) -> None:
        """`base`: the county's address, such as `https://county.example`. `channel`: whose stream is listened to."""
        self._own = http is None
        self._http = http or httpx.Client(base_url=base.rstrip("/"), timeout=30, trust_env=False)
        self._channel, self._failures = channel, 0
        self._stream: Generator[tuple[str, Any], None, None] | None = None

    def open(self) -> tuple[str, int]:
        # A ledger has no epochs: it never begins anew under its name. Its size runs ahead of the newest signed head.
        return EPOCH, self._json("/ledger/v1/entries", **{"from": 1, "limit": 1})["size"]

    def entries(self, first: int) -> Page:
        found = self._json("/ledger/v1/entries", **{"from": first, "limit": PAGE, "proofs": "true"})
        return Page(found.get("entries"), found.get("size"))

    def entry(self, position: int) -> Any:
        found = self._json("/ledger/v1/entries", **{"from": position, "limit": 1, "proofs": "true"})
        return found["entries"][0]

    def listed_keys(self) -> Any:
        return self._json("/ledger/v1/keys")["keys"]

    def wait(self, seconds: float) -> list[Any]:
        """Wait for the next event of the stream. A stream that cannot be had is replaced by asking now and then."""
        deadline = time.monotonic() + seconds
        try:
            if self._stream is None:
                self._stream = self._listen()
            for name, data in self._stream:
                self._failures = 0
                if name in ("change", "sync", "reset", "head"):
                    return _heads(data)
                if time.monotonic() > deadline:
                    return []
        except httpx.HTTPError:
            pass
        self._stream = None
        self._failures += 1
        time.sleep(max(0.0, min(deadline - time.monotonic(), 2.0 ** min(self._failures - 1, 5))))
        return []

    def done(self) -> None:
        """Nothing is to be acknowledged."""

    def close(self) -> None:
        """Close the connections; a client that was given stays open."""
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()
        if self._own:
            self._http.close()

    def _listen(self) -> Generator[tuple[str, Any], None, None]:
        """Yield (event, data) of the stream; a comment yields an empty name."""
        timeout = httpx.Timeout(30, read=SILENCE)
        with self._http.stream("GET", f"/{self._channel}/v1/stream", timeout=timeout) as answer:
            answer.raise_for_status()
            name, data = "", ""
            for line in answer.iter_lines():
                field, _, value = line.partition(":")
                if field == "event":
                    name = value.strip()
                elif field == "data":
                    data = value.strip()
                elif not line or not field:
                    yield name, _json_or_none(data)
                    name, data = "", ""

    def _json(self, path: str, **params: Any) -> Any:
        return self._http.get(path, params=params).raise_for_status().json()


def _heads(data: Any) -> list[Any]:
    """Return the signed head that came with an event of the stream, as the event that the broker sends of it."""
    head = data.get("head") if isinstance(data, dict) else None
    if not isinstance(head, dict) or "checkpoint" not in head:
        return []
    return [{"specversion": "1.0", "type": "tongyuan.ledger.head", "data": head}]


def _json_or_none(text: str) -> Any:
    with suppress(ValueError):
        return json.loads(text)
    return None
