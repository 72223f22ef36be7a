"""Assembles a channel from its parts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.util import find_spec

import httpx
from fastapi import FastAPI
from starlette.types import ASGIApp

from contracts.topology import FILES_SOURCE, SUBSCRIPTIONS
from services.channels.api import app as channels_api
from services.channels.api.live_stream import Indexer, Live
from services.channels.api.reader_feedback import LANE, FeedbackFeed
from services.channels.core.channel import Channel
from services.channels.core.port import adapters
from services.channels.files.prefetch import Prefetch
from services.channels.files.store import FileStore
from services.channels.files.upstream import FileReader, HttpFiles
from services.channels.mobile.case_hooks import CaseHooks, HttpCaseHooks
from services.channels.recovery.bootstrap import starting_channel
from services.channels.recovery.drill import LOOK_SECONDS, drill_if_due
from services.channels.search.index import SearchIndex
from shared.config import Settings, SettingsError
from shared.county.identity import Identity
from shared.database.engine import Database
from shared.feeds.relay import Relay
from shared.feeds.upstream import LedgerReader
from shared.messaging.delivery import Publisher
from shared.timers import Background, periodically
from shared.web.event_stream import StreamApp


@dataclass
class ChannelWiring:
    """The components of a channel."""

    channel: Channel
    index: SearchIndex
    live: Live
    indexer: Indexer
    drill_interval: float
    beside: Mapping[str, Background]
    files: FileStore
    hooks: CaseHooks

    def api(self, settings: Settings) -> FastAPI:
        """Return the channel's HTTP app."""
        made = channels_api.make(self.channel, settings, self.index, self.live, self.files)
        made.state.case_hooks = self.hooks
        return made

    def stream(self) -> ASGIApp:
        """Return the ASGI app of the channel's event stream."""
        return StreamApp(self.live.stream, self.live.open)

    def background(self) -> dict[str, Background]:
        """Return what runs beside the channel's HTTP server."""
        name = self.channel.service
        work: dict[str, Background] = {f"{name}-live": self.live.run, f"{name}-index": self.indexer.run, **self.beside}
        work[f"{name}-files"] = Prefetch(self.channel.db, self.files).run
        if self.drill_interval:
            drill = partial(drill_if_due, self.channel, self.drill_interval)
            work[f"{name}-drill"] = periodically(LOOK_SECONDS, drill, name=f"{name}-drill")
        return work


@dataclass(frozen=True)
class Upstream:
    """Whom a channel asks: the ledger that it follows, the source of files, and subscriptions."""

    ledger: LedgerReader
    files: FileReader
    hooks: CaseHooks

    @classmethod
    def over_http(
        cls,
        ledger: LedgerReader,
        connect: Callable[[str], httpx.Client],
        files: FileReader | None,
        hooks: CaseHooks | None,
    ) -> "Upstream":
        """Return those that are given, and the others over HTTP. `connect` returns the client of a service."""
        files = files or HttpFiles(partial(connect, FILES_SOURCE))
        return cls(ledger, files, hooks or HttpCaseHooks(partial(connect, SUBSCRIPTIONS)))


def assembled(name: str, db: Database, settings: Settings, upstream: Upstream) -> ChannelWiring:
    """Return the components of the channel `name`.

    Raises `SettingsError` for a ledger key of another log.
    """
    channel = starting_channel(db, adapters()[name], upstream.ledger, _ledger_keys(settings), Identity.of(settings))
    index = SearchIndex(db)
    own = f"services.channels.{name}.background"
    beside = import_module(own).background(db, upstream.hooks) if find_spec(own) else {}
    live, indexer, files = Live(db, name), Indexer(db, index), FileStore(db, upstream.files)
    return ChannelWiring(channel, index, live, indexer, settings.drill_interval, beside, files, upstream.hooks)


def feedback_relay(name: str, db: Database, region: str, publisher: Callable[[], Publisher]) -> Relay:
    """Return the relay of readers' feedback from a channel to guides."""
    feed = FeedbackFeed(region, name)
    return Relay(db, feed, LANE, publisher, idle=feed.forget)


def _ledger_keys(settings: Settings) -> list[str]:
    """Return the keys that channels trust. Raises `SettingsError` for a key of another log."""
    keys = [key for key in settings.ledger_keys.split(",") if key]
    for name in (key.partition("+")[0] for key in keys):
        if name != settings.log_origin:
            raise SettingsError(
                f"TONGYUAN_LEDGER_KEYS: a key of the log {name}; this county's is {settings.log_origin}"
            )
    return keys
