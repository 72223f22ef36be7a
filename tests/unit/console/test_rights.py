"""Every route of the desk against every role: the table is read from the app itself.

A route is open (signing in, static files, operators' addresses), or it declares whose it is; a route that declares
nothing fails here.
"""

import re
from collections.abc import Iterator

import httpx
import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.testclient import TestClient

from services.console.accounts.credentials import Credentials
from services.console.accounts.people import person_of
from services.console.accounts.rights import May, MayInPerson, MayOrMachine
from services.console.accounts.sessions import Stage
from shared.tokens.access import token_hash
from shared.tokens.person import StaffRole
from shared.web.edge import OF_OPERATORS
from tests.harness.desk import TestDesk, desk
from tests.harness.openid_provider import OpenIdProvider

OPEN = {
    ("GET", "/sign-in"),
    ("POST", "/sign-in"),
    ("POST", "/sign-out"),
    ("GET", "/sign-in/oidc"),
    ("GET", "/sign-in/oidc/return"),
    ("GET", "/static/{name}"),
}
ENDLESS = "/v1/stream"
"""Declared like every route; its answer ends with the session, which `test_operations.py` waits for."""

SIGNING_IN = "/sign-in/"
REFUSED = (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN)
TO_SIGN_IN = "/console/sign-in"
VALUES = {"name": "nobody", "number": "1", "session": "0" * 64}
Guard = May | MayOrMachine


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestDesk]:
    folder = tmp_path_factory.mktemp("desk")
    with desk(folder, **OpenIdProvider(port=9).settings(folder)) as made:
        for role in StaffRole:
            made.person(f"only.{role}", role)
        yield made


def guards_of(dependant: Dependant) -> Iterator[Guard]:
    for inner in dependant.dependencies:
        if isinstance(inner.call, May | MayOrMachine):
            yield inner.call
        yield from guards_of(inner)


def routes(place: TestDesk) -> Iterator[tuple[str, str, list[Guard]]]:
    """Method, path, and what guards it."""
    for context in iter_route_contexts(place.api.routes):
        path = str(context.path)
        if not isinstance(context.original_route, APIRoute) or path in (*OF_OPERATORS, "/openapi.json"):
            continue
        for method in context.methods or ():
            yield method, path, list(guards_of(context.dependant))


def table(place: TestDesk) -> Iterator[tuple[str, str, Guard]]:
    """The guarded routes, without those of signing in."""
    for method, path, guards in routes(place):
        if (method, path) not in OPEN and not path.startswith(SIGNING_IN) and path != ENDLESS:
            yield method, path, guards[0]


def ask(browser: TestClient, method: str, path: str, **headers: str) -> httpx.Response:
    """Send what changes nothing even where it is let in: a form or a body without fields, of a person who is not."""
    address = re.sub(r"\{(\w+)[^}]*\}", lambda part: VALUES.get(part[1], "1"), path)
    sent = {"json": {}} if path.startswith("/v1/") else {"data": {"csrf": headers.get("x-csrf-token", "")}}
    answer: httpx.Response = browser.request(method, address, headers=headers, **({} if method == "GET" else sent))
    return answer


def is_let_in(answer: httpx.Response) -> bool:
    return answer.status_code not in REFUSED and not answer.headers.get("location", "").startswith(TO_SIGN_IN)


def test_every_route_is_open_on_purpose_or_says_whose_it_is(place: TestDesk) -> None:
    undeclared = [(method, path) for method, path, guards in routes(place) if not guards]
    assert set(undeclared) == OPEN
    assert [path for _, path, guards in routes(place) if len(guards) > 1] == []
    steps = {
        path
        for _, path, guards in routes(place)
        for one in guards
        if isinstance(one, May) and one.stage != Stage.COMPLETE
    }
    assert steps == {"/sign-in/code", "/sign-in/password", "/sign-in/enrolment"}


@pytest.mark.parametrize("role", StaffRole)
def test_a_person_is_let_in_where_the_role_is_named_and_nowhere_else(place: TestDesk, role: StaffRole) -> None:
    browser, tried, wrong = place.session(f"only.{role}"), 0, []
    for method, path, guard in table(place):
        may = not guard.roles or role in guard.roles
        tried += 1
        if is_let_in(ask(browser, method, path, **{"x-csrf-token": browser.csrf})) != may:
            wrong.append((method, path, may))

    assert wrong == []
    assert tried > 30


@pytest.mark.parametrize("role", [StaffRole.EDITOR, StaffRole.AUDITOR, StaffRole.ADMINISTRATOR])
def test_an_api_token_of_a_role_does_what_the_role_may_but_gives_out_no_credentials(
    place: TestDesk, role: StaffRole
) -> None:
    token = make_token(place, f"only.{role}", role)
    wrong = []
    for method, path, guard in table(place):
        may = (
            path.startswith("/v1/") and (not guard.roles or role in guard.roles) and not isinstance(guard, MayInPerson)
        )
        if is_let_in(ask(place.browser(), method, path, authorization=f"Bearer {token}")) != may:
            wrong.append((method, path, may))

    assert wrong == []


def make_token(place: TestDesk, name: str, *roles: StaffRole) -> str:
    credentials: Credentials = place.api.state.sign_ins.credentials
    return credentials.make_token(person_of(place.people.account(name)), "a test", roles, 1)[1]


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer ty_unknown"}, {"authorization": "Bearer x.y.z"}])
def test_nobody_is_let_in_anywhere_without_a_session_or_with_a_made_up_token(
    place: TestDesk, headers: dict[str, str]
) -> None:
    let_in = [
        (method, path) for method, path, _ in table(place) if is_let_in(ask(place.browser(), method, path, **headers))
    ]

    assert let_in == []


@pytest.mark.parametrize("stage", [stage for stage in Stage if stage != Stage.COMPLETE])
def test_a_session_that_is_not_complete_opens_nothing_but_its_own_step(place: TestDesk, stage: Stage) -> None:
    browser = place.session("only.administrator", stage)
    headers = {"x-csrf-token": browser.csrf}

    assert [path for method, path, _ in table(place) if is_let_in(ask(browser, method, path, **headers))] == []


def test_a_cookie_counts_for_no_write_without_the_sessions_token_or_from_another_site(place: TestDesk) -> None:
    browser = place.session("only.administrator")
    writes = [(method, path) for method, path, _ in table(place) if method != "GET"]
    assert len(writes) > 15

    assert [one for one in writes if is_let_in(ask(browser, *one))] == []
    right = {"x-csrf-token": browser.csrf, "sec-fetch-site": "cross-site"}
    assert [one for one in writes if is_let_in(ask(browser, *one, **right))] == []


def test_an_operators_token_administers_people_reads_the_audit_log_and_does_nothing_else(
    place: TestDesk,
) -> None:
    settings = place.api.state.settings
    place.api.state.settings = settings.model_copy(update={"admin_token_hash": token_hash("the county's own token")})
    try:
        headers = {"authorization": "Bearer the county's own token"}
        let_in = {path for method, path, _ in table(place) if is_let_in(ask(place.browser(), method, path, **headers))}
    finally:
        place.api.state.settings = settings

    assert let_in == {path for _, path, guard in table(place) if isinstance(guard, MayOrMachine) and path[:4] == "/v1/"}
    assert {path for path in let_in if not path.startswith("/v1/people")} == {"/v1/audit"}
