"""The portal's files for machines: sitemap, feed, robots.txt; the rest is in `services.channels.pages.routes`."""

from collections.abc import Iterator
from operator import itemgetter

from fastapi import APIRouter, Request, Response

from contracts.base import Json
from contracts.envelope.publication import Kind
from services.channels.pages.reader import ChannelReader
from services.channels.pages.rendering import ChannelPages
from services.channels.pages.routes import Show
from shared.web.response_cache import shareable

PAGES = ChannelPages(
    name="portal",
    title="政府信息公开",
    promise="政务服务事项和办事指南，与大厅、网站、手机同一个来源",
    title_en="Public information",
    promise_en="Services and guides, from the same source as hall, website and phone",
)
NEWEST = 50
"""Entries of the feed."""

XML, ATOM, TEXT = "application/xml", "application/atom+xml", "text/plain; charset=utf-8"


def more(reader: ChannelReader, show: Show) -> APIRouter:
    """Routes for the sitemap (sitemaps.org 0.9), the Atom feed (RFC 4287) of recent publications, and robots.txt."""
    routes = APIRouter()

    @routes.get("/sitemap.xml")
    @shareable
    def sitemap(request: Request) -> Response:
        return show(request, "sitemap.xml", media_type=XML, pages=list(_dated(reader)))

    @routes.get("/feed.atom")
    @shareable
    def feed(request: Request) -> Response:
        entries = sorted(_published(reader), key=_appeared, reverse=True)[:NEWEST]
        return show(request, "feed.atom", media_type=ATOM, entries=entries)

    @routes.get("/robots.txt")
    @shareable
    def robots(request: Request) -> Response:
        return show(request, "robots.txt", media_type=TEXT)

    return routes


def _appeared(document: Json) -> tuple[str, int]:
    """By when people could first see it: readers of a feed miss what slides in under older entries."""
    return document["published_at"], document["source"]["position"]


def _dated(reader: ChannelReader) -> Iterator[Json]:
    """Yield the address of each item and when its page last changed, by the item itself or its guide."""
    guides = {guide["code"]: guide["published_at"] for guide in reader.documents(Kind.GUIDE)}
    for item in reader.documents(Kind.ITEM):
        yield {
            "address": item["address"],
            "changed_at": max(item["published_at"], guides.get(item["code"], "")),
        }


def _published(reader: ChannelReader) -> Iterator[Json]:
    """Yield the items and guides that have a page."""
    items = {item["code"]: item for item in reader.documents(Kind.ITEM)}
    yield from sorted(items.values(), key=itemgetter("code"))
    yield from (guide for guide in reader.documents(Kind.GUIDE) if guide["code"] in items)
