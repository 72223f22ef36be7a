"""The desk calls another service as a person, and what that service refuses is refused here in the same way."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.console.upstream.services import Services
from shared import errors
from shared.tokens.checking import Callers, Permission
from shared.tokens.minting import Minter
from shared.tokens.person import Person, StaffRole
from shared.tokens.rights import Right

KEY = Ed25519PrivateKey.generate()
LIN = Person("lin", "林", frozenset({StaffRole.EDITOR}), address="10.0.0.7")
CALLEE = Callers(
    "catalog", {"console": (KEY.public_key(),)}, {"console": Permission(frozenset({Right.WRITE}), for_people=True)}
)


def services(answer: Callable[[httpx.Request], httpx.Response]) -> Services:
    client = httpx.Client(base_url="http://catalog.test", transport=httpx.MockTransport(answer))
    return Services(lambda _service: client, lambda service: Minter("console", KEY, service))


def problem(status: int, **more: Any) -> Services:
    body = {"type": "about:blank", "title": "", "status": status, "detail": "the reason", **more}
    return services(lambda _request: httpx.Response(status, json=body, headers={"Retry-After": "7"}))


def test_the_callee_is_told_for_whom_the_desk_acts() -> None:
    seen = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(CALLEE.caller(request.headers["authorization"].removeprefix("Bearer ")))
        assert request.url.path == "/catalog/v1/items/1"
        assert request.headers["if-match"] == '"3"'
        return httpx.Response(200, json={"revision": 4}, headers={"ETag": '"4"'})

    got = services(answer).put("catalog", "items/1", LIN, {"name": "x"}, if_match="3")

    assert (got.content, got.etag) == ({"revision": 4}, "4")
    assert [(caller.name, caller.person) for caller in seen] == [("console", LIN)]


def test_violations_of_the_callee_stay_whole() -> None:
    wrong = [{"field": "fees.0.amount", "rule": "required", "message": "缺少金额", "value": "x"}]

    with pytest.raises(errors.Invalid) as refused:
        problem(422, errors=wrong).post("catalog", "items/1/release", LIN)

    assert refused.value.violations == (errors.Violation("fees.0.amount", "required", "缺少金额", "x"),)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, errors.Refused),
        (401, errors.UpstreamDown),
        (403, errors.NotAllowed),
        (404, errors.NotFound),
        (409, errors.Conflict),
        (412, errors.PreconditionFailed),
        (413, errors.TooLarge),
        (428, errors.PreconditionMissing),
        (429, errors.TooManyRequests),
        (500, errors.UpstreamDown),
        (503, errors.Unavailable),
    ],
)
def test_a_refusal_keeps_its_kind(status: int, kind: type[Exception]) -> None:
    with pytest.raises(errors.TongyuanError) as refused:
        problem(status).get("catalog", "items", LIN)

    assert type(refused.value) is kind


def test_the_time_to_wait_is_kept() -> None:
    with pytest.raises(errors.TooManyRequests) as refused:
        problem(429).get("catalog", "items", LIN)

    assert refused.value.retry_after == 7


def test_a_service_that_is_down_is_unavailable_and_its_token_is_not_told() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("connection refused", request=request)

    with pytest.raises(errors.UpstreamDown) as refused:
        services(refuse).get("catalog", "items", LIN)

    assert "Bearer" not in str(refused.value)
    assert refused.value.status == 503
