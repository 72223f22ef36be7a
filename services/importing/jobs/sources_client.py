"""HTTP of catalog and guides for one job, as the person who asked for it."""

from collections.abc import Mapping
from typing import Any

import httpx

from contracts.base import Json
from services.importing.engine.sources import CATALOG, GUIDES
from shared.errors import NotAllowed, NotFound, Refused, UpstreamDown
from shared.feeds.upstream import client
from shared.security.tls import Tls, reason
from shared.tokens.minting import Minter, Token
from shared.tokens.person import Person

PATIENCE_SECONDS = 300
"""A request may carry a few hundred rows, and wait for a database that is busy."""

_NO_REASON = "no reason was given"


class SourcesClient:
    """See `services.importing.engine.sources.ReviewableSources`.

    Raises `UpstreamDown`, `NotFound`, `NotAllowed`, `Refused`.
    """

    def __init__(
        self, urls: Mapping[str, str], tokens: Mapping[str, Token], person: Person | None, tls: Tls | None = None
    ) -> None:
        self._person, self._tokens = person, tokens
        # With the token of a machine where a person asked, the machine's rights would count instead of the person's.
        self._http = {name: client(urls[name], "" if person else tokens[name], tls) for name in (CATALOG, GUIDES)}

    def get(self, service: str, path: str, **params: Any) -> Any:
        """GET `/<service>/v1/<path>`."""
        return self._request("GET", service, path, params=params)

    def post(self, service: str, path: str, content: object) -> Any:
        """POST to `/<service>/v1/<path>`."""
        return self._request("POST", service, path, json=content)

    def delete(self, service: str, path: str) -> Any:
        """DELETE `/<service>/v1/<path>`."""
        return self._request("DELETE", service, path)

    def close(self) -> None:
        """Close the connections."""
        for http in self._http.values():
            http.close()

    def _request(self, method: str, service: str, path: str, **more: Any) -> Any:
        try:
            answer = self._http[service].request(
                method, f"/{service}/v1/{path}", timeout=PATIENCE_SECONDS, headers=self._headers(service), **more
            )
            content = answer.json()
        except httpx.HTTPError as error:
            raise UpstreamDown(f"{service}没有应答，请稍后再试 ({service} does not answer: {reason(error)})") from error
        except ValueError as error:
            told = f"{service} answers without JSON, status {answer.status_code}"
            raise UpstreamDown(f"{service}的应答读不懂，请告诉系统管理员 ({told})") from error
        if answer.is_success:
            return content
        said = f"{service}: {_detail(content)}"
        if answer.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise UpstreamDown(f"{service}现在不能处理，请稍后再试 ({said})")
        if answer.status_code in (httpx.codes.NOT_FOUND, httpx.codes.GONE):
            raise NotFound(said)
        denied = answer.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN)
        raise (NotAllowed if denied else Refused)(said)

    def _headers(self, service: str) -> dict[str, str]:
        if self._person is None:
            return {}
        token = self._tokens[service]
        if not isinstance(token, Minter):
            raise NotAllowed(
                "导入服务没有自己的密钥，不能替您操作：请告诉系统管理员 "
                "(this process has no key of its own, so it cannot act for people: set TONGYUAN_CALLER_KEY)"
            )
        return {"Authorization": f"Bearer {token.token_for(self._person)}"}


def _detail(content: Any) -> str:
    if not isinstance(content, dict):
        return _NO_REASON
    problem: Json = content
    reasons = [f"{one.get('field')}: {one.get('message')}" for one in problem.get("errors", [])]
    return "; ".join(reasons)[:1000] or str(problem.get("detail", _NO_REASON))[:1000]
