"""The demo county comes to life: its catalogue is released once, then its cases move on by their scripts, for ever."""

import hashlib
import hmac
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from services.applications.reporting import EventReport
from services.demo import content
from services.demo.model import CASES_PER_ROUND, DemoCase, DemoEvent
from services.parts import Parts
from shared import log
from shared.case_ref import ALPHABET, CODE_LENGTH, display_query_code
from shared.editions import Period, live_count
from shared.errors import Refused, TongyuanError

ROUND = timedelta(minutes=15)
_log = log.get("demo")


@dataclass(frozen=True)
class Receipt:
    """What an applicant of the demo holds in hand."""

    project_no: str
    query_code: str
    item_code: str


@dataclass
class Life:
    """The demo in an embedded county."""

    parts: Parts
    receipts: list[Receipt] = field(default_factory=list)

    def settle(self) -> None:
        """Release the demo's catalogue and guides, when the county has none yet."""
        with self.parts.catalog.db.read() as session:
            if live_count(session):
                return
        self.parts.catalog.save_directory(content.directory())
        for item in content.items():
            self.parts.catalog.save_item(item.code, item.model_dump(mode="json"), None)
            self.parts.catalog.release_item(item.code, Period(), None)
        for guide in content.guides():
            self.parts.guides.save_guide(guide.code, guide.model_dump(mode="json"), None)
            self.parts.guides.release_guide(guide.code, Period(), None)
        for year, notice in content.calendars().items():
            self.parts.applications.put_calendar(year, notice)

    def run(self, stop: threading.Event) -> None:
        """One round after the other until told to stop; a round that was begun before is taken up again."""
        while not stop.is_set():
            began = time.monotonic()
            turn, day = _turn(datetime.now(UTC))
            self.receipts = [self._open(case, day, turn) for case in content.cases() if not stop.is_set()]
            self._play(stop, began, day, turn)

    def _play(self, stop: threading.Event, began: float, day: date, turn: int) -> None:
        script = sorted(
            ((event.after_seconds, case, event) for case in content.cases() for event in case.script),
            key=lambda step: step[0],
        )
        for after, case, event in script:
            wait = began + after - time.monotonic()
            if stop.wait(max(wait, 0.0)):
                return
            self._report(case.project_no(day, turn), event)
        stop.wait(max(began + ROUND.total_seconds() - time.monotonic(), 0.0))

    def _open(self, case: DemoCase, day: date, turn: int) -> Receipt:
        number = case.project_no(day, turn)
        code = self._query_code(number)
        opening = {
            "item_code": case.item_code,
            "project_no": number,
            "request_id": f"demo-{number}",
            "query_code": code,
            "applicant": case.applicant.model_dump(mode="json"),
            "project_name": case.project_name,
        }
        try:
            self.parts.applications.open_case(opening)
        except TongyuanError as error:
            _log.warning("demo case not opened", reason=type(error).__name__)
        return Receipt(number, display_query_code(code), case.item_code)

    def _report(self, number: str, event: DemoEvent) -> None:
        details = event.details()
        if event.tolerance_days is not None:
            details["tolerance_due"] = (datetime.now(UTC) + timedelta(days=event.tolerance_days)).date()
        try:
            self.parts.applications.report(number, [EventReport.model_validate({**details, "event": event.event})])
        except Refused:
            # Taken up again after a restart: this step of the script has happened already.
            return
        except TongyuanError as error:
            _log.warning("demo event not reported", reason=type(error).__name__)

    def _query_code(self, number: str) -> str:
        """The same code for the same case after a restart, and another one in every county."""
        secret = self.parts.service_token().encode()
        raw = hmac.new(secret, number.encode(), hashlib.sha256).digest()
        return "".join(ALPHABET[byte % len(ALPHABET)] for byte in raw[:CODE_LENGTH])


def _turn(now: datetime) -> tuple[int, date]:
    """Round of the day (0 … 95) and the day."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    turn = (now - midnight) // ROUND
    assert turn < CASES_PER_ROUND - 1, "a serial number has four digits"
    return turn, now.date()
