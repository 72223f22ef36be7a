"""HTTP to the OpenID provider: no redirects, a limit of bytes, of time and of calls at once."""

import asyncio
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import BoundedSemaphore
from typing import Any

import httpx
import orjson

from services.console.federation.provider import Provider
from services.console.federation.refusal import Reason, SignInRefused
from shared import log

LARGEST = 256 * 1024
"""Bytes of an answer."""

MOST_AT_ONCE = 4
"""Calls at once: a provider that does not answer must not hold all threads of the desk."""

WAIT_SECONDS = 1.0
"""So long a call waits for one of them to end."""

HEADERS = {"Accept": "application/json", "Accept-Encoding": "identity"}
_log = log.get("federation")


class Exchange:
    """Calls addresses of one provider. `seconds`: how long one call may take in all."""

    def __init__(self, provider: Provider, seconds: float = 5.0) -> None:
        self._provider, self._seconds = provider, seconds
        self._few = BoundedSemaphore(MOST_AT_ONCE)
        self._tls = ssl.create_default_context()

    def get(self, url: str) -> dict[str, Any]:
        """Return a JSON object. Raises `SignInRefused` for everything else."""
        status, body = self._call("GET", url)
        if status != httpx.codes.OK:
            raise self._unusable(url, f"status {status}")
        return self._object(url, body)

    def post(self, url: str, fields: Mapping[str, str], auth: tuple[str, str] | None) -> dict[str, Any]:
        """Return the answer to a form; status 4xx raises `SignInRefused` with the reason `CODE`."""
        status, body = self._call("POST", url, data=dict(fields), auth=auth)
        if httpx.codes.BAD_REQUEST <= status < httpx.codes.INTERNAL_SERVER_ERROR:
            raise SignInRefused(Reason.CODE)
        if status != httpx.codes.OK:
            raise self._unusable(url, f"status {status}")
        return self._object(url, body)

    def _call(self, method: str, url: str, **sent: Any) -> tuple[int, bytes]:
        if not self._provider.allows(url):
            raise self._unusable(url, "not https")
        with self._one_of_few(url):
            try:
                return asyncio.run(self._answer(method, url, **sent))
            except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
                raise self._unusable(url, type(error).__name__) from None

    async def _answer(self, method: str, url: str, **sent: Any) -> tuple[int, bytes]:
        """Return status and body. The body is not decoded: a small compressed answer may be a large one.

        The timeouts of a client are for single steps; whoever sends a byte now and then would never meet them.
        """
        client = httpx.AsyncClient(trust_env=False, follow_redirects=False, verify=self._tls, headers=HEADERS)
        body = bytearray()
        async with asyncio.timeout(self._seconds), client, client.stream(method, url, **sent) as answer:
            async for part in answer.aiter_raw():
                body += part
                if len(body) > LARGEST:
                    raise self._unusable(url, f"more than {LARGEST} bytes")
            return answer.status_code, bytes(body)

    @contextmanager
    def _one_of_few(self, url: str) -> Iterator[None]:
        if not self._few.acquire(timeout=WAIT_SECONDS):
            raise self._unusable(url, "too many calls at once")
        try:
            yield
        finally:
            self._few.release()

    def _object(self, url: str, body: bytes) -> dict[str, Any]:
        try:
            found = orjson.loads(body)
        except orjson.JSONDecodeError:
            found = None
        if not isinstance(found, dict):
            raise self._unusable(url, "no JSON object")
        return found

    def _unusable(self, url: str, why: str) -> SignInRefused:
        _log.warning("the OpenID provider cannot be used", url=url.partition("?")[0], reason=why)
        return SignInRefused(Reason.UNREACHABLE)
