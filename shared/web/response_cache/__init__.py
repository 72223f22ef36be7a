"""Caches a channel's responses that are the same for everybody, until the store changes."""

from shared.web.response_cache.cache import KEEP_SECONDS, ResponseCache, StoreVersion
from shared.web.response_cache.middleware import CachedService, ResponseCacheMiddleware
from shared.web.response_cache.sharing import shareable, shareable_addresses

__all__ = [
    "KEEP_SECONDS",
    "CachedService",
    "ResponseCache",
    "ResponseCacheMiddleware",
    "StoreVersion",
    "shareable",
    "shareable_addresses",
]
