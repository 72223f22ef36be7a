"""The gateway passes on the public routes of the apps, and nothing else, however the address is written."""

import http.client
import re
from collections.abc import Callable, Iterator
from urllib.parse import unquote, urlsplit

import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.routing import compile_path

from services.deployment import gateway as table
from services.runtime.openapi.document import tokens_of
from services.runtime.openapi.generation import apis
from services.runtime.wiring import Wiring
from shared.config import Settings
from tests.harness.county import EmbeddedCounty, running
from tests.harness.gateway import gateway_before

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("gateway")]

PREFIXES = ("web", "mobile", "kiosk", "portal", "ledger", "verify", "V", "v", "catalog", "auditor")
GATEWAY_WORDS = (b"Refused or not available", b"<center>nginx")
UNREACHABLE = (502, 503, 504)
INSIDE = ("/metrics", "/readyz", "/healthz")
VALUES = {"code": "X1", "letter": "G", "kind": "item", "by": "person", "rest": "1/0", "path": "0/000"}
MUTATIONS: tuple[Callable[[str], str], ...] = (
    str,
    lambda path: path + "/",
    lambda path: path + ".",
    lambda path: path + "%2e",
    lambda path: path + "?x=/web/",
    lambda path: path + "%3fx",
    lambda path: path + ";x",
    lambda path: path + "%00",
    lambda path: path.replace("/", "//"),
    lambda path: path.replace("/", "/./"),
    lambda path: path.replace("/", "%2f"),
    lambda path: "/" + path[1:].replace("/", "%2F"),
    lambda path: path.replace("/", "\\"),
    lambda path: re.sub(r"/(\w)", lambda found: f"/%{ord(found[1]):02x}", path),
    lambda path: re.sub(r"/(\w)", lambda found: f"/%25{ord(found[1]):02x}", path),
    str.upper,
    lambda path: f"/web/static/..{path}",
    lambda path: f"/web/static/../..{path}",
    lambda path: f"/web/items/..%2f..{path}",
    lambda path: f"/web/items/%2e%2e/%2e%2e{path}",
    lambda path: f"/ledger/v1/tile/../../..{path}",
    lambda path: f"/verify/item/X/../../..{path}",
    lambda path: f"http://elsewhere{path}",
)


@pytest.fixture(scope="module")
def apps(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, FastAPI]]:
    """Every app of the county by its mount."""
    wiring = Wiring(Settings.model_construct(data_dir=tmp_path_factory.mktemp("apps")))
    yield dict(apis(wiring)) | wiring.ledger_pages()
    wiring.close()


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[http.client.HTTPConnection]:
    """A connection to the gateway; behind it an embedded county, where every service and every operator's route is."""
    folder = tmp_path_factory.mktemp("routes")
    county = EmbeddedCounty(folder / "county")
    with running(county), gateway_before(county, folder / "gateway") as address:
        connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)
        yield connection
        connection.close()


def passed_on(gateway: http.client.HTTPConnection, method: str, target: str) -> bool:
    """Whether the county has answered; the target is sent letter for letter."""
    gateway.putrequest(method, target, skip_accept_encoding=True)
    gateway.endheaders()
    answer = gateway.getresponse()
    body = answer.read()
    if answer.getheader("connection") == "close":
        gateway.close()
    # Every app sets this header. Of the gateway's own answer to HEAD there is nothing else to see.
    marked = answer.getheader("cross-origin-opener-policy") is not None
    assert marked or answer.status not in UNREACHABLE, f"{target}: the gateway does not reach the service"
    own = not marked and (method == "HEAD" or any(words in body for words in GATEWAY_WORDS))
    return not (own and answer.status in (400, 404, 405))


def private_routes(apps: dict[str, FastAPI]) -> set[tuple[str, str]]:
    """(method, path) that nobody but operators and services may reach; those without a public mount are all private."""
    found = set()
    for name, api in apps.items():
        tokens = tokens_of(api)
        for context in iter_route_contexts(api.routes):
            path = str(context.path)
            for method in context.methods or ():
                inside = name in ("catalog", "guides", "applications", "auditor")
                if inside or path in INSIDE or tokens.get((path, method.lower())) in ("admin", "service"):
                    found.add((method, re.sub(r"{(\w+)[^}]*}", lambda part: VALUES.get(part[1], "1"), path)))
    return found


def is_private(apps: dict[str, FastAPI], method: str, target: str) -> bool:
    """Whether the county takes this for a private route: it decodes the path once, and resolves nothing."""
    path = unquote(urlsplit(target).path if target.startswith("http") else target.partition("?")[0])
    name, _, rest = path[1:].partition("/")
    if name not in apps:
        return path in INSIDE
    if name in ("catalog", "guides", "applications", "auditor"):
        return True
    tokens = tokens_of(apps[name])
    for context in iter_route_contexts(apps[name].routes):
        if method in (context.methods or ()) and compile_path(str(context.path))[0].match(f"/{rest}"):
            return context.path in INSIDE or tokens.get((str(context.path), method.lower())) in ("admin", "service")
    return False


def test_the_gateways_list_is_that_of_the_apps() -> None:
    before = table.FILE.read_text(encoding="utf-8")

    assert table.text(before) == before, "make contracts"


def test_every_public_route_is_passed_on(gateway: http.client.HTTPConnection) -> None:
    routes = list(table.public_routes())
    assert len(routes) > 100
    tried = [
        (method, re.sub(r"{(\w+)[^}]*}", lambda part: VALUES.get(part[1], "1"), path))
        for methods, path, _service in routes
        if not path.endswith("/stream")
        for method in methods.split("|")
    ]
    closed = [(method, target) for method, target in tried if not passed_on(gateway, method, target)]

    assert closed == []


def test_no_private_route_is_reached_however_its_address_is_written(
    gateway: http.client.HTTPConnection, apps: dict[str, FastAPI]
) -> None:
    private = private_routes(apps)
    assert ("GET", "/metrics") in private
    assert ("PUT", "/v1/board") in private
    reached, tried = [], 0
    for method, path in sorted(private):
        for target in {mutate(f"/{prefix}{path}") for prefix in PREFIXES for mutate in MUTATIONS}:
            if "\n" in target or not is_private(apps, method, target):
                # What the county takes for something else is none of its private routes.
                continue
            tried += 1
            if passed_on(gateway, method, target):
                reached.append((method, target))

    assert tried > 1000
    assert reached == []


def test_what_is_inside_is_not_there_under_any_prefix(gateway: http.client.HTTPConnection) -> None:
    for prefix in PREFIXES:
        for path in (*INSIDE, "/v1/parked", "/v1/screens", "/v1/rebuild", "/v1/trace"):
            for mutate in MUTATIONS:
                assert not passed_on(gateway, "GET", mutate(f"/{prefix}{path}")), (prefix, path)
