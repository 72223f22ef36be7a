"""Whether the ledger records what a source releases, so that the source's answers can report it.

A source commits a release whatever the ledger does; the ledger records it as soon as it can. No request waits for
that: an answer carries the ledger's last known status, or reports that it is unknown.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import Field

from contracts.base import Json, Timestamp, TolerantContract, format_time
from shared import log
from shared.errors import Refused, TongyuanError, Unavailable

UNSIGNED_SECONDS = 60
"""A head is signed every other second; after this long signing has stopped."""

UNHEARD_SECONDS = 30
_log = log.get("recording")


class SignerRefusal(TolerantContract):
    """Since when and why the signer refuses."""

    since: Timestamp
    reason: str


class Recording(TolerantContract):
    """The ledger's status. `taken`: highest sequence of each lane, by `source/lane`.

    `damaged`: how many of its entries and tiles differ from what was recorded.
    """

    refuses: SignerRefusal | None = None
    signed_at: Timestamp | None = None
    taken: dict[str, int] = Field(default={})
    damaged: int = 0


Latest = Callable[[], Recording]
"""Returns the ledger's last known status. Raises `Unavailable` while there is none."""


Noticing = Callable[[], Json | None]
"""See `shared.publishing.notices.notice`, bound to its source."""


class Effect(StrEnum):
    """State of a release that does not take effect at once."""

    REFUSED = "refused"
    WAITING = "waiting"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Notice:
    """Why a release does not take effect yet. `message` is for editors, `reason` for operators."""

    state: Effect
    reason: str
    message: str
    since: str | None = None

    def as_json(self) -> Json:
        return asdict(self)

    def __str__(self) -> str:
        return f"{self.reason}{f' since {self.since}' if self.since else ''}"


class PolledRecording:
    """Polls the ledger every few seconds in the background, so that no request waits for it."""

    def __init__(self, read: Latest, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` returns monotonic seconds."""
        self._read, self._seconds, self._clock = read, seconds, clock
        self._latest: Recording | None = None
        self._heard_at = clock()
        self._problem = "it has not been queried yet"

    def __call__(self) -> Recording:
        """See `Latest`."""
        if self._latest is None or self._clock() - self._heard_at > max(UNHEARD_SECONDS, 3 * self._seconds):
            raise Unavailable(f"the ledger cannot be reached: {self._problem}")
        return self._latest

    def run(self, stop: threading.Event) -> None:
        """Poll until `stop` is set."""
        while True:
            self.look()
            if stop.wait(self._seconds):
                return

    def look(self) -> None:
        """Poll once; a failure is reported by the next call."""
        try:
            self._latest = self._read()
            self._heard_at = self._clock()
        except TongyuanError as error:
            self._problem = str(error)
            _log.info("the ledger cannot be reached", reason=self._problem)


def nothing_to_notice() -> None:
    """The notice of a source that is not configured with a ledger: none."""


def noticed(notice: Noticing) -> Json:
    """Return the fields an answer adds: the notice, or nothing."""
    found = notice()
    return {} if found is None else {"notice": found}


def told(found: Json) -> str:
    """Return a notice as one line."""
    since = f" since {found['since']}" if found["since"] else ""
    return f"{found['message']} ({found['state']}{since}: {found['reason']})"


def heard(get: Callable[[str, str], Any]) -> Recording:
    """Read the ledger's status over HTTP. Without a service's token only the time of its newest head is known."""
    try:
        said: Json = get("ledger", "signer")
    except Refused:
        said = {}
    if "signed_at" not in said:
        try:
            said = {**said, "signed_at": get("ledger", "head")["time"]}
        except Refused:
            said = {**said, "signed_at": None}
    return Recording.model_validate(said)


def unsigned(recording: Recording, now: datetime) -> Notice | None:
    """Return why nothing can be recorded: the signer refuses, or no head has been signed for too long."""
    later = "恢复后自动生效，不需要重新发布。"
    if recording.refuses is not None:
        since = format_time(recording.refuses.since)
        message = f"已保存，但公众还看不到：发布账本拒绝签名。{later}"
        return Notice(Effect.REFUSED, f"the signer refuses: {recording.refuses.reason}", message, since)
    if recording.signed_at is None:
        message = f"已保存，但公众还看不到：发布账本还没有签发过。{later}"
        return Notice(Effect.WAITING, "the ledger has signed no head yet", message)
    if (now - recording.signed_at).total_seconds() > UNSIGNED_SECONDS:
        message = f"已保存，但公众还看不到：发布账本停止了签发。{later}"
        return Notice(Effect.WAITING, "the ledger signs no heads", message, format_time(recording.signed_at))
    return None
