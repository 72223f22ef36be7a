"""The routes that the gateway forwards and its error pages, generated into `deploy/gateway/nginx.conf`.

`python -m services.deployment.gateway` writes those parts of the file, `--check` compares it. A route is public
unless it requires an admin's or a service's token, or is an operator's address such as `/healthz`. The gateway answers
404 for any other address.
"""

import argparse
import re
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from contracts.topology import CONSOLE, SUBSCRIPTIONS
from services.deployment.values import HTTP_PORT
from services.runtime.manifests import CHANNELS, manifests
from services.runtime.openapi.document import tokens_of
from services.runtime.openapi.generation import apis
from services.runtime.wiring import Wiring
from shared.config import Settings
from shared.web.body_sizes import MIB, MOST
from shared.web.edge import OF_OPERATORS
from shared.web.error_pages import PLAIN_POLICY, plain_page

FILE = Path(__file__).parents[2] / "deploy" / "gateway" / "nginx.conf"
ROUTES = ("        # Public routes: make contracts\n", "        # End of public routes\n")
PAGES = ("    # Error pages: make contracts\n", "    # End of error pages\n")
BODIES = ("    # Body sizes: make contracts\n", "    # End of body sizes\n")
OWN_ERRORS = (400, 404, 405, 413, 414, 429, 500, 502, 503, 504)
"""Statuses that nginx answers itself."""

OF_STAFF = frozenset({"admin", "service"})
OPENAPI = "/openapi.json"
LEDGER = "ledger"
API = "v1"
ROBOTS = "/robots.txt"
"""Crawlers look for it at the root alone (RFC 9309, section 2.3); the portal has it."""


def sections(scheme: str) -> Mapping[str, Callable[[], Iterator[str]]]:
    """Return the function that yields the lines of each section of plain.conf or tls.conf, by name."""
    services = (*CHANNELS, LEDGER, SUBSCRIPTIONS)
    return {"services": lambda: (f"{name} {scheme}://{name}:{HTTP_PORT};" for name in services)}


def desk_sections() -> Mapping[str, Callable[[], Iterator[str]]]:
    """Return the function that yields the lines of desk.conf: what the desk takes that is larger than all else."""

    def lines() -> Iterator[str]:
        for one in manifests()[CONSOLE].bodies:
            yield f"# {one.what}"
            yield f"location ~ ^/{CONSOLE}(?:{one.path})$ {{"
            yield f"    client_max_body_size {_megabytes(one.most)};"
            yield "    include desk-proxy.conf;"
            yield "}"

    return {"bodies of the desk": lines}


def _body_sizes() -> Iterator[str]:
    """Yield the limits of the public gateway. Raises ValueError when a public service takes more than the others."""
    for name in (*CHANNELS, LEDGER, SUBSCRIPTIONS):
        if manifests()[name].bodies:
            raise ValueError(f"{name}: larger bodies need locations of their own in {FILE.name}")
    yield f"    client_max_body_size {_megabytes(MOST)};"
    yield f"    client_body_buffer_size {_megabytes(MOST)};"


def _megabytes(size: int) -> str:
    return f"{size // MIB}m" if size % MIB == 0 else str(size)


def public_routes() -> Iterator[tuple[str, str, str]]:
    """Yield (methods, path below the gateway, service that answers), in order. Methods are joined as `GET|HEAD`."""
    with tempfile.TemporaryDirectory() as folder:
        wiring = Wiring(Settings.model_construct(data_dir=Path(folder)))
        try:
            served = [(name, api, name) for name, api in apis(wiring) if name in (*CHANNELS, LEDGER, SUBSCRIPTIONS)]
            served += [(name, api, LEDGER) for name, api in wiring.ledger_pages().items()]
            for name, api, service in sorted(served, key=lambda one: one[0]):
                yield from ((methods, f"/{name}{path}", service) for methods, path in _public(api, name == service))
        finally:
            wiring.close()
    yield "GET|HEAD", ROBOTS, "portal"  # a process answers its own routes without its name before them, too


def text(before: str) -> str:
    """Return the configuration `before` with the apps' current public routes, and with the pages of errors."""
    routes = (f'        "~^0({methods}) {_pattern(path)}" {service};' for methods, path, service in public_routes())
    made = _replaced(_replaced(before, ROUTES, routes), PAGES, _error_pages())
    return _replaced(made, BODIES, _body_sizes())


def _error_pages() -> Iterator[str]:
    """Yield the lines of the variables `$error_page` and `$error_policy`."""
    yield "    map $status $error_page {"
    yield from (
        f"        {status} '{plain_page(status, home='$home', head='$return').html.decode()}';" for status in OWN_ERRORS
    )
    yield "    }"
    yield f'    map $status $error_policy {{ default "{PLAIN_POLICY}"; }}'


def _replaced(before: str, marks: tuple[str, str], lines: Iterable[str]) -> str:
    """Return the configuration with these lines between the marks."""
    begin, end = marks
    head, _, rest = before.partition(begin)
    _, _, tail = rest.partition(end)
    if not tail:
        raise ValueError(f"{FILE.name}: the lines {begin.strip()!r} and {end.strip()!r} must be there")
    return "".join([head, begin, *(line + "\n" for line in lines), end, tail])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line. Exit code: 0 done, 1 stale, 2 usage."""
    parser = argparse.ArgumentParser(prog="python -m services.deployment.gateway", description=__doc__)
    parser.add_argument("--check", action="store_true", help="exit 1 when the file does not name the public routes")
    options = parser.parse_args(arguments)
    before = FILE.read_text(encoding="utf-8")
    wanted = text(before)
    if wanted == before:
        return 0
    if options.check:
        sys.stdout.write("deploy/gateway/nginx.conf: stale; make contracts\n")
        return 1
    FILE.write_text(wanted, encoding="utf-8")
    sys.stdout.write("deploy/gateway/nginx.conf: written\n")
    return 0


def _public(api: FastAPI, is_service: bool) -> list[tuple[str, str]]:
    """Return (methods, path) of an app's public routes. `is_service`: include its OpenAPI document, for integrators."""
    tokens = tokens_of(api)
    found: dict[str, set[str]] = {}
    for context in iter_route_contexts(api.routes):
        path = str(context.path)
        if path in OF_OPERATORS or (path == OPENAPI and not is_service):
            continue
        open_methods = {one for one in context.methods or () if tokens.get((path, one.lower())) not in OF_STAFF}
        found.setdefault(path, set()).update(open_methods, {"HEAD"} if "GET" in open_methods else ())
    return [("|".join(sorted(methods)), path) for path, methods in sorted(found.items()) if methods]


def _pattern(path: str) -> str:
    """Return a pattern for the path in a request line. It allows a final slash, which the service redirects.

    A page that takes any name directly below its mount must not match the API's own name, `v1`.
    """
    parts = re.split(r"{\w+(:path)?}", path)
    pattern = "".join(
        re.escape(part) if place % 2 == 0 else ("[^?]+" if part else "[^/?]+") for place, part in enumerate(parts)
    )
    if re.match(r"/\w+/{", path):
        pattern = pattern.replace("[^/?]+", f"(?!{API}/)[^/?]+", 1)
    return pattern + (r"(\?|$)" if path.endswith("/") else r"/?(\?|$)")


if __name__ == "__main__":
    sys.exit(main())
