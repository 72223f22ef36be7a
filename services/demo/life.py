"""Run the demonstration: release its catalogue once, then advance its cases by their scripts, round after round."""

import hashlib
import hmac
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from contracts.content.files import MaterialFile
from contracts.content.guides import Guide
from services.applications.intake.editor_reports import EventReport
from services.demo import content
from services.demo.model import DemoCase, DemoEvent
from services.guides.files.store import FileStore
from services.runtime.wiring import Wiring
from shared import log
from shared.errors import Broken, Refused, TongyuanError
from shared.publishing.editions import Period, live_count
from shared.security.case_ref import ALPHABET, CODE_LENGTH, display_query_code
from shared.text.validation import body_of
from shared.tokens.person import Actor

ROUND = timedelta(minutes=15)
DEMO = Actor("demo")
"""The machine in the audit log."""

_log = log.get("demo")


@dataclass(frozen=True)
class DemoReceipt:
    """The receipt of an applicant in the demonstration."""

    project_no: str
    query_code: str
    item_code: str


@dataclass
class Life:
    """The demonstration in an embedded county."""

    wiring: Wiring
    receipts: list[DemoReceipt] = field(default_factory=list)

    def settle(self) -> None:
        """Release the demo's catalogue and guides if the county has none."""
        with self.wiring.catalog.db.read() as session:
            if live_count(session):
                return
        self.wiring.catalog.save_directory(DEMO, content.directory())
        for item in content.items():
            self.wiring.catalog.save_item(DEMO, item.code, item.model_dump(mode="json"), None)
            self.wiring.catalog.release_item(DEMO, item.code, Period(), None)
        for guide in content.guides():
            self.wiring.guides.save_guide(DEMO, guide.code, body_of(self._with_files(guide)), None)
            self.wiring.guides.release_guide(DEMO, guide.code, Period(), None)
        for year, notice in content.calendars().items():
            self.wiring.applications.put_calendar(DEMO, year, notice)

    def _with_files(self, guide: Guide) -> Guide:
        """Upload the files of a guide, and return the guide with their names."""
        store = FileStore(self.wiring.guides.db)
        named: dict[str, list[MaterialFile]] = {}
        for one, given in content.form_files():
            if one.code == guide.code:
                told, _ = store.add(DEMO, guide.code, one.name, given)
                named.setdefault(one.material_name, []).append(MaterialFile(**told, purpose=one.purpose))
        materials = [one.model_copy(update={"files": named.get(one.material_name)}) for one in guide.materials or ()]
        return guide.model_copy(update={"materials": materials}) if named else guide

    def run(self, stop: threading.Event) -> None:
        """Run rounds until `stop` is set; a round that was begun before a restart is continued."""
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

    def _open(self, case: DemoCase, day: date, turn: int) -> DemoReceipt:
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
            self.wiring.applications.open_case(DEMO, opening)
        except TongyuanError as error:
            _log.warning("demo case not opened", reason=type(error).__name__)
        return DemoReceipt(number, display_query_code(code), case.item_code)

    def _report(self, number: str, event: DemoEvent) -> None:
        details = event.details()
        if event.tolerance_days is not None:
            details["tolerance_due"] = (datetime.now(UTC) + timedelta(days=event.tolerance_days)).date()
        try:
            self.wiring.applications.report(
                DEMO, number, [EventReport.model_validate({**details, "event": event.event})]
            )
        except Refused:
            # Repeated after a restart: this step has been reported already.
            return
        except TongyuanError as error:
            _log.warning("demo event not reported", reason=type(error).__name__)

    def _query_code(self, number: str) -> str:
        """Return a case's query code: the same after a restart, and different in every county."""
        secret = self.wiring.settings.service_token
        if secret is None:
            raise Broken("a demonstration runs in `tongyuan up`, which creates a service token")
        raw = hmac.new(secret.get_secret_value().encode(), number.encode(), hashlib.sha256).digest()
        return "".join(ALPHABET[byte % len(ALPHABET)] for byte in raw[:CODE_LENGTH])


def _turn(now: datetime) -> tuple[int, date]:
    """Return the round of the day (0 … 95) and the day."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    turn = (now - midnight) // ROUND
    return turn, now.date()
