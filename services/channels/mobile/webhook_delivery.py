"""Calls subscribers, who may be slow, wrong or hostile. Signed according to https://www.standardwebhooks.com.

Each host has a few concurrent calls and a few seconds for each, from name resolution to the status line, so a slow host
delays no other. Redirects are not followed and answers' bodies are not read. The name is resolved and checked here, and
the call goes to the checked address, so that a name cannot resolve differently between check and call.
"""

import asyncio
import random
import ssl
import threading
from base64 import b64decode
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import httpx

from services.channels.mobile import subscriptions
from services.channels.mobile.subscriptions import News
from shared import log, metrics
from shared.config import Settings
from shared.database.engine import Database
from shared.errors import Invalid, TongyuanError
from shared.webhooks.addresses import ForbiddenAddress, Resolve, is_public, resolved
from shared.webhooks.schedule import LONGEST_REST, RESTS, seconds_to_wait
from shared.webhooks.signatures import hmac_signature

CALL_SECONDS = 5.0
AT_ONCE = 4
"""Concurrent calls to one host."""

LEASE = timedelta(seconds=15)
REST_SECONDS = 0.5
POLL_SECONDS = 1.0
HOUSEKEEPING = timedelta(minutes=10)
_log = log.get("hooks")


def signed(news: News, moment: int) -> dict[str, str]:
    """Return the headers of one call; `moment` in seconds since 1970. The id stays the same for all attempts.

    Receivers drop repeats by it.
    """
    message = f"{news.id}.{news.mark}"
    key = b64decode(news.secret.removeprefix(subscriptions.PREFIX))
    return {
        "webhook-id": message,
        "webhook-timestamp": str(moment),
        "webhook-signature": hmac_signature(key, message, moment, news.body),
        "content-type": "application/json",
        "user-agent": "tongyuan-hooks/1",
    }


class WebhookSender:
    """Makes the calls of one mobile channel. `resolve`: name resolution; `rests`: see `RESTS`; `patience`: seconds."""

    def __init__(
        self,
        db: Database,
        settings: Settings,
        resolve: Resolve = resolved,
        rests: Sequence[float] = RESTS,
        patience: float = CALL_SECONDS,
    ) -> None:
        self._db, self._store = db, subscriptions.SubscriptionStore(db)
        self._settings, self._resolve = settings, resolve
        self._rests, self._patience = rests, patience
        self._busy: Counter[str] = Counter()
        self._calls: set[asyncio.Task[None]] = set()
        # A name that does not resolve blocks threads, so each host has its own.
        self._names: dict[str, ThreadPoolExecutor] = {}
        self._cleaned = datetime.min.replace(tzinfo=UTC)

    def run(self, stop: threading.Event) -> None:
        """Make the calls that are due until `stop` is set. If the database is down, retry."""
        asyncio.run(self._run(stop))

    async def _run(self, stop: threading.Event) -> None:
        listener = self._db.notifier.listener()
        limits = httpx.Limits(max_keepalive_connections=0)
        client = httpx.AsyncClient(
            timeout=CALL_SECONDS, trust_env=False, verify=ssl.create_default_context(), limits=limits
        )
        async with client:
            while not stop.is_set():
                if not await self._begin(client):
                    await asyncio.to_thread(listener.wait, POLL_SECONDS)
                await asyncio.sleep(REST_SECONDS)
            for call in self._calls:
                call.cancel()
            await asyncio.gather(*self._calls, return_exceptions=True)
        for names in self._names.values():
            names.shutdown(wait=False)
        listener.close()

    async def _begin(self, client: httpx.AsyncClient) -> int:
        """Start as many calls as there is room for. Return their number."""
        try:
            found = await asyncio.to_thread(self._due)
        except TongyuanError as error:
            _log.warning("subscribers not called", reason=str(error))
            return 0
        for host, news in found:
            self._busy[host] += 1
            call = asyncio.create_task(self._tell(client, host, news))
            self._calls.add(call)
            call.add_done_callback(self._calls.discard)
        return len(found)

    def _due(self) -> list[tuple[str, News]]:
        now = datetime.now(UTC)
        if now - self._cleaned > HOUSEKEEPING:
            self._store.forget_expired()
            self._cleaned = now
        rooms = [(host, AT_ONCE - self._busy[host]) for host in self._store.hosts()]
        return [(host, news) for host, room in rooms if room > 0 for news in self._store.claim(host, room, LEASE)]

    async def _tell(self, client: httpx.AsyncClient, host: str, news: News) -> None:
        rest: float | None = None
        try:
            async with asyncio.timeout(self._patience):
                status, rest = await self._call(client, news)
            problem = None if 200 <= status < 300 else f"status {status}"
            ended = status == httpx.codes.GONE
        except (httpx.HTTPError, OSError, TimeoutError, ForbiddenAddress, Invalid, ValueError) as error:
            # Only the kind of error: text from a receiver must not enter our log.
            problem, ended = (str(error) if isinstance(error, ForbiddenAddress) else type(error).__name__), False
        finally:
            self._busy[host] -= 1
        try:
            await asyncio.to_thread(self._note, news, problem, rest, ended=ended)
        except TongyuanError as error:
            _log.warning("a call was not recorded and will be repeated", reason=str(error))

    async def _call(self, client: httpx.AsyncClient, news: News) -> tuple[int, float | None]:
        """Return the status, and the seconds for which the receiver asks us to wait. Raises the errors of the call."""
        subscriptions.allowed_host(news.url, self._settings)
        url = httpx.URL(news.url)
        port = url.port or (443 if url.scheme == "https" else 80)
        number = await self._place(url.host, port)
        request = client.build_request(
            "POST",
            url.copy_with(host=number),
            content=news.body,
            headers={**signed(news, int(datetime.now(UTC).timestamp())), "host": url.netloc.decode()},
            extensions={"sni_hostname": url.host},
        )
        answer = await client.send(request, stream=True, follow_redirects=False)
        try:
            return answer.status_code, seconds_to_wait(answer.headers.get("retry-after", ""), datetime.now(UTC))
        finally:
            await answer.aclose()

    async def _place(self, name: str, port: int) -> str:
        """Return the address to call. Raises `ForbiddenAddress` if any of the name's addresses is private."""
        names = self._names.setdefault(name, ThreadPoolExecutor(AT_ONCE, thread_name_prefix="names"))
        found = await asyncio.get_running_loop().run_in_executor(names, self._resolve, name, port)
        if not found or not (self._settings.hook_private or all(is_public(one) for one in found)):
            raise ForbiddenAddress("private address")
        return found[0]

    def _note(self, news: News, problem: str | None, rest: float | None, *, ended: bool) -> None:
        """Store the outcome of a call."""
        if problem is None:
            metrics.hook_calls.labels("told").inc()
            self._store.note_told(news)
            return
        failures = news.failures + 1
        dead = failures > len(self._rests)
        state = subscriptions.ENDED if ended else subscriptions.DEAD if dead else subscriptions.ACTIVE
        metrics.hook_calls.labels("failed" if state == subscriptions.ACTIVE else state).inc()
        if state != subscriptions.ACTIVE:
            _log.warning("subscription ended", state=state, failures=failures, problem=problem)
        waits = 0.0 if dead else self._rests[failures - 1] * random.uniform(1.0, 1.2)  # noqa: S311  # spreads load
        next_at = datetime.now(UTC) + timedelta(seconds=min(max(waits, rest or 0.0), LONGEST_REST))
        self._store.note_failed(news, problem, state, next_at)
