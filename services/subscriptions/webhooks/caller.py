"""One call to one receiver, who may be slow, wrong or hostile.

The name is resolved once and the checked address is called. Redirects are not followed. Of the answer the beginning is
read, for the delivery log. All of it together has one time limit.
"""

import asyncio
import ssl
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import httpx

from services.subscriptions.webhooks.payload import payload
from services.subscriptions.webhooks.queue import Due, Outcome
from shared.errors import Invalid
from shared.security.privacy import scrub
from shared.webhooks.addresses import AddressRules, ForbiddenAddress, Resolve, resolved
from shared.webhooks.schedule import seconds_to_wait
from shared.webhooks.signatures import SigningKeys, signature_header

CALL_SECONDS = 15.0
ANSWER_BYTES = 1024
REQUEST_CHARACTERS = 2048
NAME_THREADS = 16
CONTENT_TYPE = "application/cloudevents+json"
SHOWN = ("content-type", "retry-after", "location", "server")


class Caller:
    """Makes calls in one event loop. `patience`: seconds for one call."""

    def __init__(self, rules: AddressRules, resolve: Resolve = resolved, patience: float = CALL_SECONDS) -> None:
        self._rules, self._resolve, self._patience = rules, resolve, patience
        self._names = ThreadPoolExecutor(NAME_THREADS, thread_name_prefix="names")
        self._client = httpx.AsyncClient(
            timeout=patience,
            trust_env=False,
            verify=ssl.create_default_context(),
            limits=httpx.Limits(max_keepalive_connections=0),
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()
        self._names.shutdown(wait=False)

    async def call(self, due: Due, keys: Sequence[SigningKeys]) -> Outcome:
        """Make the call. Whatever happens is an outcome."""
        now, began = datetime.now(UTC), time.monotonic()
        body = payload(due.event, due.webhook.payload_limit)
        headers = _headers(due.event_id, int(now.timestamp()), body, keys)
        status: int | None = None
        answer, asked = None, None
        try:
            async with asyncio.timeout(self._patience):
                status, asked, answer = await self._posted(due.webhook.url, headers, body)
            problem = None if 200 <= status < 300 else f"status {status}"
        except (httpx.HTTPError, httpx.InvalidURL, OSError, TimeoutError, Invalid, ValueError) as error:
            # Only the kind of error: text from a receiver must not enter our log.
            problem = type(error).__name__
        except ForbiddenAddress as error:
            problem = str(error)
        took = int((time.monotonic() - began) * 1000)
        request = _shown(headers, body.decode(errors="replace"), REQUEST_CHARACTERS)
        return Outcome(due, datetime.now(UTC), took, status, problem, asked, request, answer)

    async def _posted(self, address: str, headers: dict[str, str], body: bytes) -> tuple[int, float | None, str]:
        """Return the status, the seconds that the receiver asks us to wait, and the beginning of the answer."""
        parts = self._rules.require_url(address)
        tls = parts.scheme == "https"
        url = httpx.URL(address)
        number = await self._place(url.host, url.port or (443 if tls else 80), tls=tls)
        request = self._client.build_request(
            "POST",
            url.copy_with(host=number),
            content=body,
            headers={**headers, "host": url.netloc.decode()},
            extensions={"sni_hostname": url.host},
        )
        answer = await self._client.send(request, stream=True, follow_redirects=False)
        try:
            asked = seconds_to_wait(answer.headers.get("retry-after", ""), datetime.now(UTC))
            return answer.status_code, asked, await _beginning(answer)
        finally:
            await answer.aclose()

    async def _place(self, name: str, port: int, *, tls: bool) -> str:
        """Return the address to call. Raises `ForbiddenAddress` if any of the name's addresses may not be called."""
        found = await asyncio.get_running_loop().run_in_executor(self._names, self._resolve, name, port)
        allowed = [self._rules.require(one, tls=tls) for one in found]
        if not allowed:
            raise ForbiddenAddress("没有地址 (the name has no address)")
        return allowed[0]


def _headers(message_id: str, timestamp: int, body: bytes, keys: Sequence[SigningKeys]) -> dict[str, str]:
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature_header(message_id, timestamp, body, keys),
        "content-type": CONTENT_TYPE,
        "user-agent": "tongyuan-webhooks/1",
    }


async def _beginning(answer: httpx.Response) -> str:
    """Return a few headers of an answer and the beginning of its body. A body that does not come costs nothing more."""
    read = b""
    try:
        async with asyncio.timeout(1.0):
            async for chunk in answer.aiter_raw():
                read += chunk[: ANSWER_BYTES - len(read)]
                if len(read) >= ANSWER_BYTES:
                    break
    except (TimeoutError, httpx.HTTPError):
        pass
    shown = {"status": str(answer.status_code), **{n: answer.headers[n] for n in SHOWN if n in answer.headers}}
    return _shown(shown, read.decode(errors="replace"), ANSWER_BYTES)


def _shown(headers: dict[str, str], body: str, most: int) -> str:
    """Return headers and the beginning of a body as text, personal numbers masked."""
    head = "\n".join(f"{name}: {value[:300]}" for name, value in headers.items())
    return scrub(f"{head}\n\n{body[:most]}".replace("\x00", "\N{REPLACEMENT CHARACTER}"))
