"""What an attacker tries at every operation there is, made from the route table: nothing opens, nothing changes.

A real county answers, on a real port. Somebody without a right asks for everything that needs one, in every disguise of
`tests.harness.disguises`; afterwards the stores of every service hold what they held before.
"""

import hashlib
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import cycle

import pytest

from tests.harness import disguises
from tests.harness.county import ADMIN, CHANNELS, SERVICE, EmbeddedCounty, running, wait_for
from tests.harness.documents import apis
from tests.harness.pipeline import guide, item
from tests.harness.raw_http import Header, RawAnswer, RawClient

pytestmark = pytest.mark.xdist_group("attacks")

PUBLIC_ORIGIN = "https://county.example"
KEPT = {
    **dict.fromkeys(("catalog", "guides"), ("edition", "release", "import_statement", "directory", "feedback", "file")),
    "applications": ("application", "fact", "release", "calendar", "request"),
    "ledger": ("entry", "key", "erasure", "source_key", "signing_key"),
    **dict.fromkeys(
        ("web", "mobile", "kiosk", "portal"),
        ("document", "parked", "hook", "former_hook", "screen", "screen_position", "called", "feedback"),
    ),
    "auditor": ("finding",),
    "subscriptions": ("subscription", "access_key", "case_hook"),
}
"""Tables that hold what people and services have said. The others move by themselves: heads, cursors, marks."""

REFUSED = {400, 401, 403, 404, 405, 421}
ENDLESS = "/v1/stream"

Operation = tuple[str, str, str]
"""Method, address with every variable filled in, and whose token it needs: `admin`'s, a `service`'s, a `screen`'s, a
`person`'s, a `subscriber`'s, or nobody's."""


def operations() -> list[Operation]:
    """All that the documents describe."""
    return [
        (method.upper(), filled(f"/{service}{path}"), next(iter(operation.get("security", [{"": []}])[0])))
        for service, document in apis().items()
        for path, described in document["paths"].items()
        for method, operation in described.items()
    ]


def filled(path: str) -> str:
    """What stands for each variable is there, as far as a county with one item has it."""
    known = {"code": item(1).code, "key": f"item:{item(1).code}", "kind": "item", "path": "0/000", "bucket": "0"}
    return re.sub(r"\{(\w+)\}", lambda found: known.get(found[1], "1"), path)


OPERATIONS = operations()
GUARDED = [one for one in OPERATIONS if one[2]]
SERVICES = sorted(apis())
each_service = pytest.mark.parametrize("service", SERVICES)


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedCounty]:
    """With an item and its guide on every channel."""
    made = EmbeddedCounty(tmp_path_factory.mktemp("attacked"), env={"TONGYUAN_PUBLIC_URL": PUBLIC_ORIGIN})
    with running(made):
        for path, one in (("/catalog/v1/items", item(1)), ("/guides/v1/guides", guide(1))):
            address = f"{path}/{one.code}"
            made.http("catalog").put(address, json=one.model_dump(mode="json")).raise_for_status()
            made.http("catalog").post(f"{address}/release").raise_for_status()
        wait_for(lambda: all(shown(made, name) for name in CHANNELS), "everything is shown")
        yield made


@pytest.fixture
def attacker(county: EmbeddedCounty) -> Iterator[RawClient]:
    with RawClient("127.0.0.1", int(county.env["TONGYUAN_PORT"])) as client:
        yield client


@pytest.fixture
def unchanged(county: EmbeddedCounty) -> Iterator[None]:
    """Whatever a test does, the stores hold afterwards what they held before."""
    before = held(county)
    yield
    assert held(county) == before


def shown(county: EmbeddedCounty, channel: str) -> bool:
    http = county.http(channel)
    return all(http.get(f"/{channel}/v1/{kind}/{item(1).code}").is_success for kind in ("items", "guides"))


def held(county: EmbeddedCounty) -> dict[str, str]:
    """Service and table → digest of all its rows."""
    found = {}
    for service, tables in KEPT.items():
        with closing(sqlite3.connect(f"file:{county.folder}/data/{service}.db?mode=ro", uri=True)) as db:
            there = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            for table in there.intersection(tables):
                rows = sorted(map(repr, db.execute(f'SELECT * FROM "{table}"')))
                found[f"{service}.{table}"] = hashlib.sha256("\n".join(rows).encode()).hexdigest()
    return found


def of_service(service: str, some: list[Operation]) -> list[Operation]:
    """Those of one service, without the one that never ends."""
    found = [one for one in some if one[1].startswith(f"/{service}/") and not one[1].endswith(ENDLESS)]
    assert found
    return found


def told(answer: RawAnswer) -> str:
    return f"{answer.status} {answer.body[:80]!r}"


def test_the_stores_that_are_compared_hold_what_there_is(county: EmbeddedCounty) -> None:
    assert {"catalog.edition", "guides.release", "ledger.entry", "web.document", "kiosk.screen"} <= set(held(county))


@each_service
def test_who_has_the_token_is_let_in(county: EmbeddedCounty, attacker: RawClient, service: str) -> None:
    """Without this the others would hold of a county that answers nobody."""
    for method, address, needed in of_service(service, OPERATIONS):
        if method == "GET" and needed in ("admin", "service"):
            token = ADMIN if needed == "admin" else SERVICE
            answer = attacker.ask(method, address, [("Authorization", f"Bearer {token}")])
            assert answer.status not in {0, 401, 403}, (address, told(answer))


@each_service
@pytest.mark.usefixtures("unchanged")
def test_no_credential_but_the_token_opens_anything(attacker: RawClient, service: str) -> None:
    for method, address, needed in [one for one in GUARDED if one[1].startswith(f"/{service}/")]:
        tried = disguises.credentials(ADMIN)
        if needed == "admin":
            tried["the token of services"] = [("Authorization", f"Bearer {SERVICE}")]
        for name, sent in tried.items():
            answer = attacker.ask(method, address, sent)
            assert answer.status in {401, 403}, (method, address, name, told(answer))


@each_service
@pytest.mark.usefixtures("unchanged")
def test_no_header_opens_anything(attacker: RawClient, service: str) -> None:
    for method, address, _ in [one for one in GUARDED if one[1].startswith(f"/{service}/")]:
        for name, sent in disguises.headers(address).items():
            answer = attacker.ask(method, address, sent)
            assert answer.status in REFUSED, (method, address, name, told(answer))
            assert disguises.EVIL not in leading_to(answer)


@each_service
@pytest.mark.usefixtures("unchanged")
def test_no_spelling_of_an_address_opens_anything(attacker: RawClient, service: str) -> None:
    others = cycle(disguises.credentials(ADMIN).values())
    for method, address, _ in [one for one in GUARDED if one[1].startswith(f"/{service}/")]:
        for target in disguises.spellings(address):
            answer = attacker.ask(method, target, next(others))
            assert answer.status in REFUSED | {307}, (method, target, told(answer))
            assert disguises.EVIL not in leading_to(answer) or disguises.EVIL in target
            if answer.status == 307:
                led = attacker.ask(method, leading_to(answer).removeprefix("http://127.0.0.1"))
                assert led.status in REFUSED, (method, target, told(led))


@each_service
@pytest.mark.usefixtures("unchanged")
def test_no_method_that_an_address_does_not_have_does_anything(attacker: RawClient, service: str) -> None:
    described: dict[str, set[str]] = {}
    for method, address, _ in of_service(service, OPERATIONS):
        described.setdefault(address, set()).add(method)
    for address, methods in described.items():
        for method in set(disguises.METHODS) - methods - ({"HEAD"} if "GET" in methods else set()):
            answer = attacker.ask(method, address)
            assert answer.status in REFUSED, (method, address, told(answer))
            assert method != "HEAD" or not answer.body


@each_service
def test_head_is_answered_wherever_get_is_and_opens_no_more(attacker: RawClient, service: str) -> None:
    """RFC 9110, 9.3.2: the same answer without its body. The stream, which GET would never end, ends, too."""
    for method, address, _ in of_service(service, OPERATIONS):
        if method == "GET":
            whole, head = both(attacker, address)
            assert (head.status, head.body) == (whole.status, b""), (address, told(head))
            assert head.values("content-type") == whole.values("content-type"), address
            assert head.values("etag") == whole.values("etag") or service == "ledger", address
    if service in CHANNELS:
        assert attacker.ask("HEAD", f"/{service}{ENDLESS}").status == 200


def both(attacker: RawClient, address: str) -> tuple[RawAnswer, RawAnswer]:
    """The answers to GET and HEAD while the address had one answer: a head is signed every other second."""
    whole = attacker.ask("GET", address)
    for _ in range(20):
        head, again = attacker.ask("HEAD", address), attacker.ask("GET", address)
        if (again.status, again.values("etag")) == (whole.status, whole.values("etag")):
            break
        whole = again
    return whole, head


@pytest.mark.parametrize(
    "path", ["/", "/healthz", "/readyz", "/metrics", "/web/", "/kiosk/board", "/portal/sitemap.xml"]
)
def test_a_monitor_may_ask_with_head(attacker: RawClient, path: str) -> None:
    answer = attacker.ask("HEAD", path)
    assert (answer.status, answer.body) == (200, b"")


@pytest.mark.parametrize("app", [*CHANNELS, "verify"])
@pytest.mark.parametrize("host", ["127.0.0.1", disguises.EVIL, f"[{disguises.EVIL}", ""])
def test_an_address_without_or_with_a_slash_leads_to_the_right_one_on_the_same_host(attacker, app, host) -> None:
    """A redirect with the request's Host would leave HTTPS behind a gateway, and lead wherever a stranger likes."""
    for asked, right in ((f"/{app}", f"/{app}/"), (f"/{app}?lang=en", f"/{app}/?lang=en")):
        answer = attacker.ask("GET", asked, [("Host", host)])
        assert (answer.status, leading_to(answer)) == (307, right) or answer.status == 400
    if app in CHANNELS:
        for asked, right in ((f"/{app}/items/", f"/{app}/items"), (f"/{app}/items/?page=2", f"/{app}/items?page=2")):
            answer = attacker.ask("GET", asked, [("Host", host)])
            assert (answer.status, leading_to(answer)) == (307, right) or answer.status == 400
    assert attacker.ask("GET", f"/{app}/items/").status in {307, 404}, "without a strange host nothing is a 400"


@each_service
def test_no_forged_header_changes_what_the_public_is_told(attacker: RawClient, service: str) -> None:
    for method, address, needed in of_service(service, OPERATIONS):
        if method != "GET" or needed:
            continue
        plain = attacker.ask(method, address)
        assert 0 < plain.status < 500, (address, told(plain))
        for name, sent in disguises.headers(f"/{service}/metrics").items():
            answer = attacker.ask(method, address, sent)
            assert answer.status == plain.status, (address, name, told(answer))
            assert disguises.EVIL not in answer.body.decode(errors="replace") + str(answer.headers), (address, name)


CODE = item(1).code
PAGES = [
    "/", "/web/", "/web/search?q=x", "/web/nowhere", f"/web/items/{CODE}", f"/web/guides/{CODE}", "/kiosk/",
    "/kiosk/board", f"/kiosk/items/{CODE}", "/portal/", f"/portal/items/{CODE}", "/portal/sitemap.xml", "/verify/",
]  # fmt: skip


@pytest.mark.parametrize("page", PAGES)
def test_no_page_takes_over_what_a_stranger_says_of_himself(attacker: RawClient, page: str) -> None:
    plain = attacker.ask("GET", page)
    for name, sent in disguises.headers("/catalog/v1/items").items():
        answer = attacker.ask("GET", page, sent)
        assert answer.status == plain.status, (name, told(answer))
        assert disguises.EVIL not in answer.body.decode(errors="replace") + str(answer.headers), name


@pytest.mark.usefixtures("unchanged")
def test_a_screen_that_is_not_enrolled_reports_nothing(attacker: RawClient) -> None:
    for cookie in ("", "tongyuan-screen=", "tongyuan-screen=x", f"tongyuan-screen={ADMIN}", f"screen={SERVICE}"):
        sent: list[Header] = [("Cookie", cookie)] if cookie else []
        answer = attacker.ask("POST", "/kiosk/v1/screen/report", sent, b'{"shown": []}')
        assert answer.status in {401, 403}, (cookie, told(answer))


def leading_to(answer: RawAnswer) -> str:
    """Where the answer sends whoever asked."""
    return " ".join(answer.values("location"))


def test_every_operation_is_tried() -> None:
    everything = apis()
    assert len(OPERATIONS) == sum(len(each) for one in everything.values() for each in one["paths"].values())
    assert {one[2] for one in OPERATIONS} == {"", "admin", "service", "screen", "person", "subscriber"}
