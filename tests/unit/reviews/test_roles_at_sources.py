"""Who may do what at a source, whatever the desk lets through: each role at each write route; whose content."""

from contextlib import ExitStack

import pytest

from contracts.content.gates import Gate
from shared.tokens.person import StaffRole
from tests.harness.pipeline import code_of, guide, item, pipeline
from tests.harness.reviewing import LIU, MA, person, source_desk

CODE, NEW = code_of(1), code_of(2)
EDITOR, RELEASER, OFFICER, OPERATOR = (
    StaffRole.EDITOR,
    StaffRole.RELEASER,
    StaffRole.DUTY_OFFICER,
    StaffRole.OPERATOR,
)
CONTENT = {"catalog": item, "guides": guide}
SIGN = {"verdict": "pass", "digest": "0" * 64}
URGENT = {"code": CODE, "action": "withdraw", "reason": "correction", "note": "先撤下"}
SHA = "0" * 64
NOBODYS = "0" * 32

OWN = {
    "catalog": [("PUT", "/v1/directory", [], {RELEASER})],
    "guides": [
        ("POST", f"/v1/files?code={CODE}", None, {EDITOR}),
        ("POST", f"/v1/feedback/{NOBODYS}/answer", {"answer": "已改"}, {EDITOR, OPERATOR}),
        ("POST", f"/v1/feedback/{NOBODYS}/close", None, {EDITOR, OPERATOR}),
    ],
}
"""Routes that one source alone has."""


def routes_of(source):
    """Method, path, body, and the roles that are let in."""
    kind = {"catalog": "item", "guides": "guide"}[source]
    edition, act = f"/v1/{kind}s/{CODE}", f"act:{source}-set-1"
    of_set = {"part_of": act, "effective_at": "2099-01-01T00:00:00Z"}
    member = {"key": f"{kind}:{CODE}", "version": 1, "digest": "0" * 64}
    return [
        ("PUT", edition, CONTENT[source](1).model_dump(mode="json"), {EDITOR}),
        ("POST", f"{edition}/release", {}, {RELEASER}),
        ("POST", f"{edition}/withdraw", {}, {RELEASER, OFFICER}),
        ("POST", f"{edition}/suspend", {}, {RELEASER, OFFICER}),
        ("POST", f"{edition}/restore", {}, {RELEASER}),
        ("POST", f"{edition}/cancel-plans", {}, {RELEASER}),
        ("POST", "/v1/imports", {"dry_run": True}, {EDITOR, RELEASER}),
        ("POST", "/v1/imports", {}, {RELEASER}),
        ("POST", "/v1/imports/undo", {"source": "x", "sha256": SHA}, {RELEASER}),
        ("POST", "/v1/sets/prepare", {**of_set, "members": [{"code": CODE}]}, {RELEASER}),
        ("POST", "/v1/sets/complete", {**of_set, "members": [member]}, {RELEASER}),
        ("POST", "/v1/sets/cancel", {"part_of": act, "codes": [CODE]}, {RELEASER}),
        ("POST", "/v1/reviews", {"members": [{"code": NEW}]}, {EDITOR, RELEASER}),
        ("POST", "/v1/reviews/urgent", URGENT, {RELEASER, OFFICER}),
        ("POST", "/v1/reviews/{gathering}/close", {}, set()),
        ("POST", "/v1/reviews/{waiting}/second", {}, {RELEASER, OFFICER}),
        ("DELETE", "/v1/reviews/{open}", None, {RELEASER}),
        *(("POST", f"/v1/reviews/{{open}}/gates/{gate}", SIGN, {StaffRole.reviewer_of(gate)}) for gate in Gate),
        *OWN[source],
    ]


ROUTES = [(source, *route) for source in CONTENT for route in routes_of(source)]


@pytest.fixture(scope="module")
def desks(tmp_path_factory):
    """Source → its desk, in a county of five gates."""
    with pipeline(tmp_path_factory.mktemp("county"), channels=(), review="five") as county, ExitStack() as opened:
        made = {source: opened.enter_context(source_desk(county, source)) for source in CONTENT}
        for source, desk in made.items():
            desk.save(CONTENT[source](1))
            desk.approved(CODE)
            desk.release(CODE)
            desk.save(CONTENT[source](2))
            begun = desk.as_(None).http.post("/v1/reviews", json={"kind": "import", "preview": SHA})
            desk.numbers = {
                "open": desk.submit({"code": NEW}, by=LIU)["number"],
                "gathering": begun.json()["number"],
                "waiting": desk.as_(MA).http.post("/v1/reviews/urgent", json=URGENT).json()["number"],
            }
        yield made


def asked(desk, who, method, path, body):
    return desk.as_(who).http.request(method, path.format(**getattr(desk, "numbers", {})), json=body)


@pytest.mark.parametrize(
    ("source", "method", "path", "body", "allowed"), ROUTES, ids=lambda one: one if isinstance(one, str) else ""
)
def test_only_these_roles_are_let_in(desks, source, method, path, body, allowed):
    refused = {
        role
        for number, role in enumerate(StaffRole)
        if asked(desks[source], person(f"somebody.{number}", role), method, path, body).status_code == 403
    }
    assert refused == set(StaffRole) - allowed


@pytest.mark.parametrize("source", CONTENT)
def test_every_route_that_writes_is_in_the_table(desks, source):
    known = {(method, path.partition("?")[0]) for method, path, *_ in routes_of(source)}
    for route in desks[source].http.app.routes:
        for method in getattr(route, "methods", None) or ():
            if method in {"GET", "HEAD"}:
                continue
            matches = [path for one, path in known if one == method and route.path_regex.match(path.format(
                open=1, gathering=1, waiting=1
            ))]  # fmt: skip
            assert matches, f"{method} {route.path} is not in the table"


@pytest.mark.parametrize(
    ("source", "method", "path", "body"),
    [one[:4] for one in ROUTES if CODE in f"{one[2]}{one[3]}" and one[2] != "/v1/sets/complete"],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_content_of_another_unit_is_not_theirs(desks, source, method, path, body):
    stranger = person("stranger", *StaffRole, departments=frozenset({"11339921MB0000002B"}))

    answer = asked(desks[source], stranger, method, path, body)

    assert answer.status_code == 403
    assert "unit" in answer.json()["detail"]
