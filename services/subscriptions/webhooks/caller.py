"""One call to one receiver, who may be slow, wrong or hostile.

The name is resolved once and the checked address is called. Redirects are not followed. Of the answer the beginning is
read, for the delivery log of webhooks. All of it together has one time limit.
"""

import asyncio
import ssl
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TypeVar

import httpx

from services.subscriptions.webhooks.message import Due, Message, Outcome
from shared.errors import Invalid
from shared.security.privacy import scrub
from shared.webhooks.addresses import ForbiddenAddress, Resolve, Rules, resolved
from shared.webhooks.schedule import seconds_to_wait

ANSWER_BYTES = 1024
REQUEST_CHARACTERS = 2048
NAME_THREADS = 4
SHOWN = ("content-type", "retry-after", "location", "server")
D = TypeVar("D", bound=Due)


class Caller:
    """Makes calls in one event loop."""

    def __init__(self, resolve: Resolve = resolved) -> None:
        self._resolve = resolve
        # A name that does not resolve blocks threads, so each host has its own.
        self._names: dict[str, ThreadPoolExecutor] = {}
        self._client = httpx.AsyncClient(
            trust_env=False,
            verify=ssl.create_default_context(),
            limits=httpx.Limits(max_keepalive_connections=0),
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()
        for names in self._names.values():
            names.shutdown(wait=False)

    async def call(self, due: D, message: Message) -> Outcome[D]:
        """Make the call. Whatever happens is an outcome."""
        now, began = datetime.now(UTC), time.monotonic()
        headers = _headers(message, int(now.timestamp()))
        status: int | None = None
        answer, asked = None, None
        try:
            async with asyncio.timeout(message.patience):
                status, asked, answer = await self._posted(message, headers)
            problem = None if 200 <= status < 300 else f"status {status}"
        except (httpx.HTTPError, httpx.InvalidURL, OSError, TimeoutError, Invalid, ValueError) as error:
            # Only the kind of error: text from a receiver must not enter our log.
            problem = type(error).__name__
        except ForbiddenAddress as error:
            problem = str(error)
        took = int((time.monotonic() - began) * 1000)
        request = _shown(headers, message.body.decode(errors="replace"), REQUEST_CHARACTERS) if message.reads else None
        return Outcome(due, datetime.now(UTC), took, status, problem, asked, request, answer)

    async def _posted(self, message: Message, headers: dict[str, str]) -> tuple[int, float | None, str | None]:
        """Return the status, the seconds that the receiver asks us to wait, and the beginning of the answer."""
        parts = message.rules.require_url(message.url)
        tls = parts.scheme == "https"
        url = httpx.URL(message.url)
        number = await self._place(message.rules, url.host, url.port or (443 if tls else 80), tls=tls)
        request = self._client.build_request(
            "POST",
            url.copy_with(host=number),
            content=message.body,
            headers={**headers, "host": url.netloc.decode()},
            extensions={"sni_hostname": url.host},
            timeout=message.patience,
        )
        answer = await self._client.send(request, stream=True, follow_redirects=False)
        try:
            asked = seconds_to_wait(answer.headers.get("retry-after", ""), datetime.now(UTC))
            return answer.status_code, asked, await _beginning(answer) if message.reads else None
        finally:
            await answer.aclose()

    async def _place(self, rules: Rules, name: str, port: int, *, tls: bool) -> str:
        """Return the address to call. Raises `ForbiddenAddress` if any of the name's addresses may not be called."""
        names = self._names.setdefault(name, ThreadPoolExecutor(NAME_THREADS, thread_name_prefix="names"))
        found = await asyncio.get_running_loop().run_in_executor(names, self._resolve, name, port)
        return rules.choose(found, tls=tls)


def _headers(message: Message, timestamp: int) -> dict[str, str]:
    return {
        "webhook-id": message.id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": message.sign(timestamp),
        "content-type": message.content_type,
        "user-agent": message.agent,
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
