"""The ledger over HTTP, without a token: `PublicLedger` of a process of its own."""

from collections.abc import Sequence

import httpx

from contracts.base import Json
from shared.errors import UpstreamDown
from shared.feeds.upstream import get


class HttpPublicLedger:
    """See `services.subscriptions.log.ledger_reading.PublicLedger`. Entries are passed on as the ledger wrote them."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    def entries(self, first: int, limit: int) -> Sequence[Json]:
        """Return the entries from position `first` on, each with its proof. Raises `UpstreamDown`."""
        answer = get(self._http, "/ledger/v1/entries", **{"from": first, "limit": limit, "proofs": True})
        entries: Sequence[Json] | None = answer.get("entries") if isinstance(answer, dict) else None
        if not isinstance(entries, list) or not all(_is_entry(one) for one in entries):
            raise UpstreamDown("the ledger sent something that is not a list of entries")
        return entries


def _is_entry(one: object) -> bool:
    return isinstance(one, dict) and {"position", "key", "kind", "op", "version", "digest", "recorded_at"} <= one.keys()
