"""Requests of clerks and applicants about invented people, correct and wrong ones.

Requests are (method, path, arguments for httpx); `CaseOffice` sends them in a county under faults.
"""

import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import httpx

from services.demo import content
from shared.security.case_ref import new_query_code
from tests.harness.county import ADMIN, CHANNELS, County
from tests.harness.residue import spoken
from tests.harness.traces_of_people import Citizen, citizens

ITEM = content.items()[0].code
CASES = "/applications/v1/applications"
MOVES = ("received", "accepted", "review_started")
"""Events that are reported for each case."""

PAUSE = 0.2
Request = tuple[str, str, dict[str, Any]]


def people(seed: int, number: int) -> list[Citizen]:
    """Return people who all have a receipt with a query code."""
    found = citizens(seed)
    return [replace(next(found), code=new_query_code()) for _ in range(number)]


def opening(person: Citizen) -> list[Request]:
    """Requests that open a case and advance it, with personal data in every free-text field."""
    path = f"{CASES}/{person.number}"
    applicant = {**person.persons["applicant"], "legal": person.name, "contact_code": person.page_code, "kind": "1"}
    case = {**person.persons, "applicant": applicant, "item_code": ITEM, "promise_day": 5, "query_code": person.code}
    told = {"explain": person.story, "reason": person.story, "handle_user": person.name, "certificate_no": person.card}
    moves: list[Request] = [("POST", f"{path}/events", {"json": {"event": event, **told}}) for event in MOVES]
    return [("PUT", path, {"json": case}), *moves]


def mistakes(person: Citizen) -> list[Request]:
    """Requests with mistakes that clerks make."""
    own = f"{CASES}/{person.number}"
    wrong = {"item_code": ITEM, **person.persons}
    return [
        ("POST", f"{own}/events", {"json": {"event": "not_accepted", "explain": person.story}}),
        ("POST", f"{own}/events", {"json": {"event": "approved", person.page_code: person.name}}),
        ("POST", f"{own}/events", {"json": {"event": person.mobile}}),
        ("POST", f"{own}/events", {"json": {"event": "approved", "occurred_at": person.name}}),
        ("POST", f"{own}/events", {"content": person.story.encode()}),
        ("PUT", own, {"json": {**wrong, "item_code": person.name}}),
        ("PUT", own, {"json": wrong}),
        ("POST", CASES, {"json": {**wrong, "project_no": person.story}}),
        ("POST", CASES, {"json": {**wrong, "query_code": person.mobile}}),
        ("GET", f"{CASES}/{quote(person.name)}", {}),
        ("GET", f"{own}X", {}),
    ]


def questions(channel: str, person: Citizen) -> list[tuple[Request, int]]:
    """Look-ups of the applicant, with the receipt's code and with a wrong one; and the expected statuses."""
    asked: list[tuple[Request, int]] = []
    right = {"project_no": person.number, "query_code": person.code}
    for pair, status in ((right, 200), ({**right, "query_code": new_query_code()}, 404)):
        asked.append((("POST", f"/{channel}/v1/applications/lookup", {"json": pair}), status))
        asked.append((("POST", f"/{channel}/progress", {"data": pair}), status))
    return asked


class CaseOffice:
    """Opens, advances and looks up cases of many people, with mistakes, again and again, also during faults.

    `answers` holds all answers, 5xx too: none may name a person, except to the clerk who opens the case.
    """

    def __init__(self, county: County, crowd: Sequence[Citizen], stop: threading.Event) -> None:
        self._county, self._crowd, self._stop = county, crowd, stop
        self.answers = bytearray()
        self.opened: set[str] = set()
        self.refused = 0

    def run(self) -> None:
        """Run until stopped."""
        headers = {"Authorization": f"Bearer {ADMIN}"}
        with httpx.Client(headers=headers, timeout=10, trust_env=False) as http:
            while not self._stop.is_set():
                for person in self._crowd:
                    self._attend(http, person)
                    if self._stop.wait(PAUSE):
                        return

    def _attend(self, http: httpx.Client, person: Citizen) -> None:
        if person.number not in self.opened:
            done = [self._send(http, "applications", request, heard=False) for request in opening(person)]
            if all(status in (200, 201, 409) for status in done):
                self.opened.add(person.number)
            return
        for request in mistakes(person):
            self._send(http, "applications", request)
        for channel in CHANNELS:
            for request, _ in questions(channel, person):
                self._send(http, channel, request)

    def _send(self, http: httpx.Client, service: str, request: Request, *, heard: bool = True) -> int:
        """Return the status, 0 without an answer."""
        method, path, more = request
        with suppress(httpx.HTTPError):
            answer = http.request(method, self._county.url(service) + path, **more)
            self.refused += answer.status_code >= 400
            # The answer to opening a case contains its number and its query code.
            if heard or answer.status_code >= 400:
                self.answers += spoken(answer)
            return answer.status_code
        return 0
