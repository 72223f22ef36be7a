"""Calls other services over HTTP as a person: each request carries a token that names who asked for it.

What the callee refuses becomes an error of the same kind here, with its violations, so that a form can show them at its
fields.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from threading import Lock
from typing import Any

import httpx

from services.console.upstream.refusal_words import TELLS, message_of, sentence_of
from shared.errors import (
    Conflict,
    Invalid,
    NoRoom,
    NotAllowed,
    NotFound,
    PreconditionFailed,
    PreconditionMissing,
    Refused,
    TooLarge,
    TooManyRequests,
    Unavailable,
    UpstreamDown,
    Violation,
)
from shared.feeds.upstream import remedy
from shared.security.tls import reason
from shared.tokens.minting import Minter
from shared.tokens.person import Person

LONGEST_DETAIL = 1_000
ERRORS: Mapping[int, type[Refused]] = {
    400: Refused,
    403: NotAllowed,
    404: NotFound,
    409: Conflict,
    410: NotFound,
    412: PreconditionFailed,
    413: TooLarge,
    428: PreconditionMissing,
    507: NoRoom,
}
SERVER_ERROR = 500
LINE_TIMEOUT = httpx.Timeout(600.0, connect=3.0)


@dataclass(frozen=True, slots=True)
class Answer:
    """A successful answer. `content`: its JSON, None if it has no body. `etag`: without quotes, "" if there is none."""

    status: int
    content: Any
    etag: str
    raw: bytes
    headers: Mapping[str, str]


class Services:
    """The other services of the county. Thread-safe.

    `connect` returns a client of a service, without a token; `minter` what makes tokens for a service.
    """

    def __init__(self, connect: Callable[[str], httpx.Client], minter: Callable[[str], Minter]) -> None:
        self._connect, self._minter = connect, minter
        self._clients: dict[str, tuple[httpx.Client, Minter]] = {}
        self._lock = Lock()

    def get(self, service: str, path: str, person: Person, **params: Any) -> Answer:
        """GET `/<service>/v1/<path>`. Raises as `send`."""
        return self.send("GET", service, path, person, params=params)

    def post(self, service: str, path: str, person: Person, body: Any = None, *, if_match: str = "") -> Answer:
        """POST `body` as JSON to `/<service>/v1/<path>`; `if_match`: `etag` of an earlier answer. Raises as `send`."""
        return self.send("POST", service, path, person, json=body, headers=_precondition(if_match))

    def put(self, service: str, path: str, person: Person, body: Any, *, if_match: str = "") -> Answer:
        """PUT `body` as JSON to `/<service>/v1/<path>`. Raises as `send`."""
        return self.send("PUT", service, path, person, json=body, headers=_precondition(if_match))

    def delete(self, service: str, path: str, person: Person, *, if_match: str = "") -> Answer:
        """DELETE `/<service>/v1/<path>`. Raises as `send`."""
        return self.send("DELETE", service, path, person, headers=_precondition(if_match))

    def send(self, method: str, service: str, path: str, person: Person | None, **request: Any) -> Answer:
        """Send any request to `/<service>/v1/<path>`; `request`: arguments of `httpx.Client.request`.

        `person`: None where the desk itself asks.

        Raises what the callee's status says: `Invalid` with its violations, `NotFound`, `Conflict` …; `UpstreamDown`
        when it does not answer, `Unavailable` when it cannot answer now.
        """
        client, minter = self._of(service)
        token = minter.token() if person is None else minter.token_for(person)
        headers = {**request.pop("headers", {}), "Authorization": f"Bearer {token}"}
        try:
            answer = client.request(method, f"/{service}/v1/{path}", headers=headers, **request)
        except httpx.HTTPError as error:
            raise UpstreamDown(f"{service}: {reason(error)}") from error
        if not answer.is_success:
            raise _error(service, answer)
        return _answer(service, answer)

    def lines(self, method: str, service: str, path: str, person: Person) -> Iterator[str]:
        """Yield the lines of an answer as they come; each may take minutes. Raises as `send`, also in between."""
        client, minter = self._of(service)
        headers = {"Authorization": f"Bearer {minter.token_for(person)}"}
        try:
            with client.stream(method, f"/{service}/v1/{path}", headers=headers, timeout=LINE_TIMEOUT) as answer:
                if not answer.is_success:
                    answer.read()
                    raise _error(service, answer)
                yield from answer.iter_lines()
        except httpx.HTTPError as error:
            raise UpstreamDown(f"{service}: {reason(error)}") from error

    def close(self) -> None:
        """Close the connections."""
        with self._lock:
            for client, _ in self._clients.values():
                client.close()
            self._clients.clear()

    def _of(self, service: str) -> tuple[httpx.Client, Minter]:
        with self._lock:
            if service not in self._clients:
                self._clients[service] = self._connect(service), self._minter(service)
            return self._clients[service]


def _precondition(etag: str) -> dict[str, str]:
    return {"If-Match": f'"{etag}"'} if etag else {}


def _answer(service: str, answer: httpx.Response) -> Answer:
    try:
        is_json = "json" in answer.headers.get("content-type", "")
        content = answer.json() if is_json and answer.content else None
    except ValueError as error:
        raise UpstreamDown(f"{service}: its answer is not JSON") from error
    etag = answer.headers.get("etag", "").removeprefix("W/").strip('"')
    return Answer(answer.status_code, content, etag, answer.content, answer.headers)


def _error(service: str, answer: httpx.Response) -> Exception:
    """Return the error that says the same as the callee's problem details."""
    status, problem = answer.status_code, _problem(answer)
    detail = sentence_of(str(problem.get("detail", ""))[:LONGEST_DETAIL])
    told = partial(message_of, service) if service in TELLS else _as_it_is
    if status == Invalid.status:
        violations = [_violation(one, told) for one in problem.get("errors", []) if isinstance(one, dict)]
        return Invalid(*violations) if violations else Refused(detail)
    if status in ERRORS:
        return ERRORS[status](detail)
    if status == TooManyRequests.status:
        return TooManyRequests(detail, _seconds(answer.headers.get("retry-after", "")))
    if status == Unavailable.status:
        return Unavailable(f"{service}: {detail}")
    return UpstreamDown(f"{service}: status {status}{remedy(answer)}")


def _problem(answer: httpx.Response) -> dict[str, Any]:
    try:
        found = answer.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _as_it_is(_rule: str, message: str) -> str:
    return message


def _violation(one: Mapping[str, Any], told: Callable[[str, str], str]) -> Violation:
    value = one.get("value")
    rule = str(one.get("rule", ""))
    return Violation(
        str(one.get("field", "")),
        rule,
        told(rule, str(one.get("message", ""))),
        None if value is None else str(value),
    )


def _seconds(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < len("100000") else 60
