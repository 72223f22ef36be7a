"""Puts the response cache and the event streams of channels in front of a process. Imports no channel itself."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from fastapi import FastAPI
from starlette.types import ASGIApp

from shared.web.response_cache import CachedService, ResponseCacheMiddleware, shareable_addresses

if TYPE_CHECKING:
    from services.runtime.assembly.channels import ChannelWiring


def front(
    app: ASGIApp, channels: Mapping[str, "ChannelWiring"], apis: Mapping[str, FastAPI]
) -> ResponseCacheMiddleware:
    """Put the response cache and the event streams of these channels in front of `app`.

    `apis`: each channel's own app.
    """
    served = {name: CachedService(one.live.page, shareable_addresses(apis[name])) for name, one in channels.items()}
    return ResponseCacheMiddleware(app, served, {name: channel.stream() for name, channel in channels.items()})
