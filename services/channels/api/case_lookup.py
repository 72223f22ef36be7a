"""Case look-up by number and query code: every wrong pair gets one answer in the same time; attempts are limited."""

import hashlib
import threading

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from pydantic import Field

from contracts.base import Contract
from contracts.envelope.publication import Kind
from services.channels.api import queries
from shared import log, metrics
from shared.config import Settings
from shared.database.engine import Database
from shared.errors import NotFound, TooManyRequests
from shared.security.case_ref import case_ref, normalise_project_no, normalise_query_code
from shared.web.callers import place_of

CONCURRENT_LOOKUPS = 4
"""Look-ups that hash at the same time; each takes 16 MiB and 50 ms."""

WAITING_LOOKUPS = 16
"""Look-ups that wait; more are refused, because they would occupy the threads that serve everybody else."""

LOCKS = 64
LOG_RATE: RateLimitItem = parse("1/minute")
NO_MATCH = "No case matches this number and query code. Check both on your receipt."
_log = log.get("lookup")


class LookupRequest(Contract):
    """The number and code on the applicant's receipt."""

    project_no: str = Field(min_length=1, max_length=50, title="办件编号")
    query_code: str = Field(min_length=1, max_length=40, title="查询码")


class Lookup:
    """Look-ups of one channel. Limits are kept in memory: a restart resets them, and each process has its own.

    Numbers that exist and numbers that do not are hashed, counted, locked and answered alike.
    """

    def __init__(self, db: Database, channel: str, settings: Settings) -> None:
        self._db, self._channel = db, channel
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._per_address: RateLimitItem = parse(settings.lookup_limit)
        self._per_case: RateLimitItem = parse(settings.lookup_case_limit)
        self._queue = threading.BoundedSemaphore(CONCURRENT_LOOKUPS + WAITING_LOOKUPS)
        self._at_once = threading.BoundedSemaphore(CONCURRENT_LOOKUPS)
        self._locks = [threading.Lock() for _ in range(LOCKS)]

    def find(self, request: LookupRequest, address: str) -> bytes:
        """Return the case's document. Raises `NotFound` (one text for all reasons) and `TooManyRequests`."""
        # Normalise first: otherwise each spelling of a number would have its own attempts.
        case = hashlib.sha256(normalise_project_no(request.project_no).encode())
        code = normalise_query_code(request.query_code)
        if not self._limiter.hit(self._per_address, "address", place_of(address)):
            raise self._refused("address")
        if not self._queue.acquire(blocking=False):
            raise self._refused("busy", retry_after=5)
        try:
            # One attempt per case at a time: otherwise concurrent attempts would all pass before any is counted.
            with self._locks[case.digest()[0] % LOCKS]:
                return self._look_up(request.project_no, code, case.hexdigest())
        finally:
            self._queue.release()

    def _look_up(self, project_no: str, code: str, case: str) -> bytes:
        if not self._limiter.test(self._per_case, "case", case):
            raise self._refused("case")
        with self._at_once:
            reference = case_ref(project_no, code)
        with self._db.read() as session:
            served = queries.document(session, Kind.APPLICATION, reference)
        if served is None:
            self._limiter.hit(self._per_case, "case", case)
            metrics.lookups.labels(self._channel, "wrong").inc()
            raise NotFound(NO_MATCH)
        metrics.lookups.labels(self._channel, "found").inc()
        return served.content

    def _refused(self, outcome: str, retry_after: int = 60) -> TooManyRequests:
        metrics.lookups.labels(self._channel, f"limited_{outcome}").inc()
        if self._limiter.hit(LOG_RATE, "told", outcome):
            _log.warning("look-ups limited", channel=self._channel, by=outcome)
        return TooManyRequests("too many look-ups; please wait, or ask at the service desk", retry_after=retry_after)
