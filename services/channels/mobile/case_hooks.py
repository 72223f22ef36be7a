"""Hooks of cases at subscriptions, which calls the apps: over HTTP, or directly within one process."""

from collections.abc import Callable
from functools import cached_property
from typing import Any, Protocol

import httpx

from contracts.base import Json
from shared.errors import Invalid, NotFound, UpstreamDown, Violation
from shared.feeds.upstream import remedy
from shared.security.tls import reason

SECRET = "Webhook-Secret"  # noqa: S105  # the name of a header
ADDRESS = "url"
"""The field that an app has sent; every other one is ours."""


class CaseHooks(Protocol):
    """What mobile asks of subscriptions. Each raises `UpstreamDown`, and may be asked again."""

    def put(self, hook: str, content: Json) -> None:
        """Store a hook, unless it is there. Raises `Invalid` for an address that may not be called."""

    def news(self, hook: str, content: Json) -> str | None:
        """Push the state of a hook's case. Return the mark that is there now; None: the hook needs no news."""

    def state(self, hook: str, secret: str) -> Json:
        """Return how a hook is. Raises `NotFound`, the same for a wrong id and a wrong secret."""
        ...

    def end(self, hook: str, secret: str | None) -> None:
        """Delete a hook. Without a secret nothing is raised when it is gone; with one `NotFound`, as above."""


class HttpCaseHooks:
    """The same over HTTP. `connect` makes the client when it is first wanted: most channels never want one."""

    def __init__(self, connect: Callable[[], httpx.Client]) -> None:
        self._connect = connect

    @cached_property
    def _http(self) -> httpx.Client:
        return self._connect()

    def put(self, hook: str, content: Json) -> None:
        """See `CaseHooks`."""
        self._asked("PUT", hook, json=content)

    def news(self, hook: str, content: Json) -> str | None:
        """See `CaseHooks`."""
        mark = _json(self._asked("PUT", f"{hook}/news", json=content)).get("mark")
        return None if mark is None else str(mark)

    def state(self, hook: str, secret: str) -> Json:
        """See `CaseHooks`."""
        return _json(self._asked("GET", hook, headers={SECRET: secret}))

    def end(self, hook: str, secret: str | None) -> None:
        """See `CaseHooks`."""
        self._asked("DELETE", hook, headers={} if secret is None else {SECRET: secret})

    def _asked(self, method: str, path: str, **more: Any) -> httpx.Response:
        try:
            answer = self._http.request(method, f"/subscriptions/v1/case-hooks/{path}", **more)
        except httpx.HTTPError as error:
            raise UpstreamDown(f"subscriptions: {reason(error)}") from error
        if answer.status_code == httpx.codes.NOT_FOUND and "headers" in more:
            raise NotFound("there is no such subscription")
        if answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY and (found := _of_address(answer)):
            raise Invalid(*found)
        if not answer.is_success:
            raise UpstreamDown(f"subscriptions: status {answer.status_code}{remedy(answer)}")
        return answer


def _of_address(answer: httpx.Response) -> list[Violation]:
    """Return what is wrong with the address. Anything else is not the app's mistake."""
    try:
        errors = answer.json()["errors"]
        return [Violation(ADDRESS, one["rule"], one["message"]) for one in errors if one["field"] == ADDRESS]
    except (ValueError, KeyError, TypeError):
        return []


def _json(answer: httpx.Response) -> Json:
    try:
        content = answer.json()
    except ValueError as error:
        raise UpstreamDown("subscriptions: not JSON") from error
    if not isinstance(content, dict):
        raise UpstreamDown("subscriptions: not a JSON object")
    return content
