"""Who may do what at a source, whatever the desk lets through: each role at each write route; whose content."""

import pytest

from contracts.content.gates import Gate
from shared.tokens.person import StaffRole
from tests.harness.pipeline import code_of, item, pipeline
from tests.harness.reviewing import LIU, MA, person, source_desk

CODE, NEW = code_of(1), code_of(2)
EDITOR, RELEASER, OFFICER = StaffRole.EDITOR, StaffRole.RELEASER, StaffRole.DUTY_OFFICER
ACT = "act:catalog-set-1"
AT = "2099-01-01T00:00:00Z"
SET = {"part_of": ACT, "effective_at": AT}
MEMBER = {"key": f"item:{CODE}", "version": 1, "digest": "0" * 64}
SIGN = {"verdict": "pass", "digest": "0" * 64}
URGENT = {"code": CODE, "action": "withdraw", "reason": "correction", "note": "先撤下"}
SHA = "0" * 64

ROUTES = [
    ("PUT", f"/v1/items/{CODE}", item(1).model_dump(mode="json"), {EDITOR}),
    ("POST", f"/v1/items/{CODE}/release", {}, {RELEASER}),
    ("POST", f"/v1/items/{CODE}/withdraw", {}, {RELEASER, OFFICER}),
    ("POST", f"/v1/items/{CODE}/suspend", {}, {RELEASER, OFFICER}),
    ("POST", f"/v1/items/{CODE}/restore", {}, {RELEASER}),
    ("POST", f"/v1/items/{CODE}/cancel-plans", {}, {RELEASER}),
    ("PUT", "/v1/directory", [], {RELEASER}),
    ("POST", "/v1/imports", {"dry_run": True}, {EDITOR, RELEASER}),
    ("POST", "/v1/imports", {}, {RELEASER}),
    ("POST", "/v1/imports/undo", {"source": "x", "sha256": SHA}, {RELEASER}),
    ("POST", "/v1/sets/prepare", {**SET, "members": [{"code": CODE}]}, {RELEASER}),
    ("POST", "/v1/sets/complete", {**SET, "members": [MEMBER]}, {RELEASER}),
    ("POST", "/v1/sets/cancel", {"part_of": ACT, "codes": [CODE]}, {RELEASER}),
    ("POST", "/v1/reviews", {"members": [{"code": NEW}]}, {EDITOR, RELEASER}),
    ("POST", "/v1/reviews/urgent", URGENT, {RELEASER, OFFICER}),
    ("POST", "/v1/reviews/{gathering}/close", {}, set()),
    ("POST", "/v1/reviews/{waiting}/second", {}, {RELEASER, OFFICER}),
    ("DELETE", "/v1/reviews/{open}", None, {RELEASER}),
    *(("POST", f"/v1/reviews/{{open}}/gates/{gate}", SIGN, {StaffRole.reviewer_of(gate)}) for gate in Gate),
]


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    with pipeline(tmp_path_factory.mktemp("county"), channels=(), review="five") as county, source_desk(county) as made:
        made.save(item(1))
        made.approved(CODE)
        made.release(CODE)
        made.save(item(2))
        made.numbers = {
            "open": made.submit({"code": NEW}, by=LIU)["number"],
            "gathering": made.as_(None)
            .http.post("/v1/reviews", json={"kind": "import", "preview": SHA})
            .json()["number"],
            "waiting": made.as_(MA).http.post("/v1/reviews/urgent", json=URGENT).json()["number"],
        }
        yield made


def asked(desk, who, method, path, body):
    return desk.as_(who).http.request(method, path.format(**getattr(desk, "numbers", {})), json=body)


@pytest.mark.parametrize(
    ("method", "path", "body", "allowed"), ROUTES, ids=lambda one: one if isinstance(one, str) else ""
)
def test_only_these_roles_are_let_in(desk, method, path, body, allowed):
    refused = {
        role
        for number, role in enumerate(StaffRole)
        if asked(desk, person(f"somebody.{number}", role), method, path, body).status_code == 403
    }
    assert refused == set(StaffRole) - allowed


def test_every_route_that_writes_is_in_the_table(desk):
    known = {(method, path.partition("?")[0]) for method, path, *_ in ROUTES}
    for route in desk.http.app.routes:
        for method in getattr(route, "methods", None) or ():
            if method in {"GET", "HEAD"}:
                continue
            matches = [path for one, path in known if one == method and route.path_regex.match(path.format(
                open=1, gathering=1, waiting=1
            ))]  # fmt: skip
            assert matches, f"{method} {route.path} is not in the table"


@pytest.mark.parametrize(
    "method_path_body", [one[:3] for one in ROUTES if CODE in f"{one[1]}{one[2]}" and "act" not in one[1]]
)
def test_content_of_another_unit_is_not_theirs(desk, method_path_body):
    stranger = person("stranger", *StaffRole, departments=frozenset({"11339921MB0000002B"}))
    method, path, body = method_path_body
    if path != "/v1/sets/complete":
        answer = asked(desk, stranger, method, path, body)
        assert answer.status_code == 403
        assert "unit" in answer.json()["detail"]
