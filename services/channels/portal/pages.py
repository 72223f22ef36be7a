"""Pages of the channel: what machines read of a government site; the rest in services.channels.pages."""

from collections.abc import Iterator
from operator import itemgetter

from fastapi import APIRouter, Request, Response

from contracts.base import Json
from contracts.publication import Kind
from services.channels.pages import READ, Show
from services.channels.reader import Reader
from services.channels.rendering import Place

PLACE = Place(
    name="portal",
    title="政府信息公开",
    promise="政务服务事项和办事指南，与大厅、网站、手机同一个来源",
    title_en="Public information",
    promise_en="Services and guides, from the same source as hall, website and phone",
)
NEWEST = 50
"""Entries of the feed."""

XML, ATOM, TEXT = "application/xml", "application/atom+xml", "text/plain; charset=utf-8"


def more(reader: Reader, show: Show) -> APIRouter:
    """Sitemap (sitemaps.org 0.9), Atom feed (RFC 4287) of what was published last, and the file for robots."""
    routes = APIRouter()

    @routes.api_route("/sitemap.xml", methods=READ)
    def sitemap(request: Request) -> Response:
        return show(request, "sitemap.xml", media_type=XML, pages=list(_dated(reader)))

    @routes.api_route("/feed.atom", methods=READ)
    def feed(request: Request) -> Response:
        entries = sorted(_published(reader), key=lambda one: one["source"]["position"], reverse=True)[:NEWEST]
        return show(request, "feed.atom", media_type=ATOM, entries=entries)

    @routes.api_route("/robots.txt", methods=READ)
    def robots(request: Request) -> Response:
        return show(request, "robots.txt", media_type=TEXT)

    return routes


def _dated(reader: Reader) -> Iterator[Json]:
    """Address of each item, and the moment that its page last changed: its own or its guide's."""
    guides = {guide["code"]: guide["published_at"] for guide in reader.documents(Kind.GUIDE)}
    for item in reader.documents(Kind.ITEM):
        yield {
            "address": item["address"],
            "changed_at": max(item["published_at"], guides.get(item["code"], "")),
        }


def _published(reader: Reader) -> Iterator[Json]:
    """Items and guides that have a page."""
    items = {item["code"]: item for item in reader.documents(Kind.ITEM)}
    yield from sorted(items.values(), key=itemgetter("code"))
    yield from (guide for guide in reader.documents(Kind.GUIDE) if guide["code"] in items)
