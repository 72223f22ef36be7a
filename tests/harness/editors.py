"""Editors and imports that keep writing during faults and remember exactly what was acknowledged."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from services.importing.engine.report import fates_of
from services.importing.engine.sources import ImportOrigin
from services.importing.formats.registry import read
from tests.harness.county import County
from tests.harness.importing import imported

RETRY_SECONDS = 0.2
GIVE_UP_SECONDS = 120.0


class Persistent:
    """An HTTP client that retries until the answer is final, as a careful client does."""

    def __init__(self, county: County, stop: threading.Event) -> None:
        self._county, self._stop = county, stop
        self.retries = 0

    def send(self, service: str, method: str, path: str, **more: Any) -> httpx.Response:
        """Return the first answer below 500."""
        deadline = time.monotonic() + GIVE_UP_SECONDS
        while time.monotonic() < deadline:
            try:
                answer = self._county.http(service).request(method, f"/{service}/v1/{path}", **more)
                if answer.status_code < 500:
                    return answer
            except httpx.HTTPError:
                pass
            self.retries += 1
            time.sleep(RETRY_SECONDS)
        raise AssertionError(f"{method} {service} {path}: no answer within {GIVE_UP_SECONDS:.0f} s")

    def post(self, service: str, path: str, content: object) -> Any:
        """See `services.importing.engine.sources.Sources`."""
        answer = self.send(service, "POST", path, json=content)
        assert answer.is_success, answer.text
        return answer.json()

    def get(self, service: str, path: str, **params: Any) -> Any:
        """See `post`."""
        answer = self.send(service, "GET", path, params=params)
        assert answer.is_success, answer.text
        return answer.json()

    def put(self, service: str, path: str, content: object) -> Any:
        """See `post`."""
        answer = self.send(service, "PUT", path, json=content)
        assert answer.is_success, answer.text
        return answer.json()


class Importer:
    """Imports the real file in chunks, retrying each until it is answered."""

    def __init__(self, county: County, file: Any, stop: threading.Event) -> None:
        self._http, self._file = Persistent(county, stop), file
        self.outcomes: dict[str, int] = {}

    def run(self) -> None:
        """Import the file once."""
        origin = ImportOrigin("gd-portal", regions=("440000", "441700"))
        course, _ = imported(self._http, read(self._file, "gd-portal"), origin=origin, pause=0.5)
        self.outcomes = {str(fate): count for fate, count in fates_of(course).items()}


@contextmanager
def at_work(*work: Callable[[], None]) -> Iterator[list[BaseException]]:
    """Run each in a thread; yields the list of their failures for the test."""
    failures: list[BaseException] = []

    def guarded(run: Callable[[], None]) -> None:
        try:
            run()
        except BaseException as error:  # noqa: BLE001  # an assertion must reach the test, too
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=(run,), daemon=True) for run in work]
    for thread in threads:
        thread.start()
    yield failures
    for thread in threads:
        thread.join(GIVE_UP_SECONDS)
        assert not thread.is_alive(), "work did not come to an end"


def everything_arrived(county: County) -> bool:
    """Whether `tongyuan status` finds nothing behind and nothing parked."""
    return county.cli("status").returncode == 0
