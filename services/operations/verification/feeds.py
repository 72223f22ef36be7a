"""The sources' feeds over HTTP, for `verify` and the auditor, see `shared.feeds.comparison.Feeds`."""

from collections.abc import Callable
from typing import Any

from contracts.envelope.publication import Lane
from shared.errors import NotFound
from shared.feeds.comparison import Released


class ReadFeeds:
    """`get` reads `/<service>/v1/<path>` as JSON, with a service's token."""

    def __init__(self, get: Callable[..., Any]) -> None:
        self._get = get

    def releases(self, source: str, lane: Lane, after: int, limit: int) -> list[Released]:
        """See `Feeds`."""
        answer = self._get(source, "releases", lane=str(lane), after=after, limit=limit)
        return [Released.model_validate(one) for one in answer["releases"]]

    def release(self, source: str, key: str, version: int) -> Released | None:
        """See `Feeds`."""
        try:
            return Released.model_validate(self._get(source, f"releases/{key}/{version}"))
        except NotFound:
            return None

    def heads(self, source: str) -> dict[str, int]:
        """Return the highest sequence number of each lane."""
        found: dict[str, int] = self._get(source, "releases/heads")
        return found
