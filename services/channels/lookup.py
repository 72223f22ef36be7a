"""Case look-up by number and query code: one answer and one time for every wrong pair, and few tries."""

import hashlib
import threading

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from pydantic import Field

from contracts.base import Contract
from contracts.publication import Kind
from services.channels import queries
from shared import metrics
from shared.case_ref import case_ref, normalise_project_no
from shared.config import Settings
from shared.database import Database
from shared.errors import NotFound, TooManyRequests

WRONG = "No case fits this number and query code. Check both on your receipt."


class LookupRequest(Contract):
    """What the receipt says."""

    project_no: str = Field(min_length=1, max_length=50, title="办件编号")
    query_code: str = Field(min_length=1, max_length=40, title="查询码")


class Lookup:
    """Look-ups of one channel. Limits are kept in memory: a restart forgives, a second process has its own."""

    def __init__(self, db: Database, channel: str, settings: Settings) -> None:
        self._db, self._channel = db, channel
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._per_address: RateLimitItem = parse(settings.lookup_limit)
        self._per_case: RateLimitItem = parse(settings.lookup_case_limit)
        self._at_once = threading.BoundedSemaphore(4)

    def find(self, request: LookupRequest, address: str) -> bytes:
        """The case's document. Raises `NotFound` (one text for all reasons) and `TooManyRequests`."""
        # However the number is spelled, it is one case: else each spelling would give five more tries.
        case = hashlib.sha256(normalise_project_no(request.project_no).encode()).hexdigest()
        if not self._limiter.hit(self._per_address, "address", address):
            raise self._refused("address")
        if not self._limiter.test(self._per_case, "case", case):
            raise self._refused("case")
        with self._at_once:
            reference = case_ref(request.project_no, request.query_code)
        with self._db.read() as session:
            served = queries.document(session, Kind.APPLICATION, reference)
        if served is None:
            self._limiter.hit(self._per_case, "case", case)
            metrics.lookups.labels(self._channel, "wrong").inc()
            raise NotFound(WRONG)
        metrics.lookups.labels(self._channel, "found").inc()
        return served.content

    def _refused(self, outcome: str) -> TooManyRequests:
        metrics.lookups.labels(self._channel, f"limited_{outcome}").inc()
        return TooManyRequests("too many look-ups; please wait, or ask at the service desk", retry_after=60)
