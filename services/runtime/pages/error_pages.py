"""Errors as pages in the design of each service, where a browser asks, see `shared.web.error_pages`.

A service's pages are imported when it is among those of the process.
"""

from collections.abc import Iterable, Iterator
from functools import partial

from starlette.types import ASGIApp

from contracts.topology import CONSOLE
from services.runtime.manifests import CHANNELS, SERVICES
from shared.web.error_pages import ErrorPages, Renderer

VERIFY = ("verify", "V", "v")


def error_pages(app: ASGIApp, county: str, services: Iterable[str] = SERVICES) -> ErrorPages:
    """Put pages in the place of the errors of a process that runs `services`; other paths get a plain page.

    `county`: the name shown in their headings.
    """
    renderers = {path: renderer for service in services for path, renderer in _renderers(service, county)}
    return ErrorPages(app, renderers, county)


def _renderers(service: str, county: str) -> Iterator[tuple[str, Renderer]]:
    if service in CHANNELS:
        from services.channels.pages.routes import errors_of  # noqa: PLC0415  # see above

        yield service, errors_of(service, county)
    elif service == "ledger":
        from services.ledger.verify.page import error_page  # noqa: PLC0415  # see above

        for path in VERIFY:
            yield path, partial(error_page, county)
    elif service == CONSOLE:
        from services.console.pages import frame  # noqa: PLC0415  # see above

        yield CONSOLE, partial(frame.error_page, county)
