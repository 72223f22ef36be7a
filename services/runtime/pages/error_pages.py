"""Errors as pages in the design of each channel, where a browser asks, see `shared.web.error_pages`."""

from functools import partial

from starlette.types import ASGIApp

from contracts.topology import CONSOLE
from services.channels.pages.routes import errors_of
from services.console.pages import frame
from services.ledger.verify.page import error_page
from services.runtime.manifests import CHANNELS
from shared.web.error_pages import ErrorPages

VERIFY = ("verify", "V", "v")


def error_pages(app: ASGIApp, county: str) -> ErrorPages:
    """Put pages in the place of the errors of a process. `county`: the name shown in their headings."""
    channels = {name: errors_of(name, county) for name in CHANNELS}
    verify = dict.fromkeys(VERIFY, partial(error_page, county))
    return ErrorPages(app, {**channels, **verify, CONSOLE: partial(frame.error_page, county)}, county)
