"""A desk over a whole county in this process: its calls reach the real services, without sockets."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from contracts.topology import SUBSCRIPTIONS
from shared.tokens.minting import Bearer
from tests.harness.desk import TestDesk, desk, nothing_answers
from tests.harness.pipeline import ADMIN, Pipeline, pipeline
from tests.harness.subscribers import Subscribers, subscribers


class DeskCounty:
    """A county and its desk. `down`: services that do not answer; a test adds and removes names."""

    def __init__(self, county: Pipeline, folder: Path, subscribers: Subscribers) -> None:
        self.county, self.down, self.subscribers = county, set[str](), subscribers
        self.asked: list[str] = []
        """Method and path of each call, in order."""
        self._folder = folder
        self._down = nothing_answers("a-service")

    @contextmanager
    def desk(self) -> Iterator[TestDesk]:
        """Yield the desk."""
        with desk(self._folder, self._connect) as made:
            yield made

    def _connect(self, service: str) -> httpx.Client:
        transport = _Transport(self._of(service))
        return httpx.Client(base_url="http://county.test", transport=transport, auth=Bearer(ADMIN))

    def _of(self, service: str) -> Callable[[httpx.Request], httpx.Response]:
        def answer(request: httpx.Request) -> httpx.Response:
            self.asked.append(f"{request.method} {request.url.path}")
            if service in self.down:
                return self._down.send(request)
            path = request.url.raw_path.decode()
            http = self.county.http
            if service == SUBSCRIPTIONS:
                http, path = self.subscribers.http, path.removeprefix(f"/{SUBSCRIPTIONS}")
            came: Any = http.request(request.method, path, content=request.read(), headers=dict(request.headers))
            return httpx.Response(came.status_code, headers=came.headers, content=came.content, request=request)

        return answer


class _Transport(httpx.BaseTransport):
    """Answers each request with a function."""

    def __init__(self, answer: Callable[[httpx.Request], httpx.Response]) -> None:
        self._answer = answer

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._answer(request)


@contextmanager
def desk_county(folder: Path, **settings: Any) -> Iterator[tuple[DeskCounty, TestDesk]]:
    """Yield a new county with its desk."""
    (folder / SUBSCRIPTIONS).mkdir(parents=True)
    with pipeline(folder / "county", **settings) as county, subscribers(county, folder / SUBSCRIPTIONS) as beside:
        made = DeskCounty(county, folder, beside)
        with made.desk() as here:
            yield made, here
