"""The desk's releases over a `Pipeline`: its services answer the desk as if it had the admin token.

with releasing(tmp_path, county) as desk: desk.sets.begin(...); desk.sets.advance()
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from services.console.release.work import Releasing
from shared.tokens.person import Person, StaffRole
from tests.harness.desk import desk
from tests.harness.pipeline import ADMIN, Pipeline

RELEASER = Person("fabu", "郑发布", frozenset({StaffRole.RELEASER}))


class AsAdmin(httpx.Client):
    """A client of one county that holds the admin token. `down`: services that do not answer.

    `passing` is called before and after each request that reaches a service.
    """

    passing: Callable[[], object] = staticmethod(lambda: None)

    def __init__(self, county: Pipeline, down: set[str]) -> None:
        super().__init__()
        self._county, self._down = county, down

    def request(self, method: str, url: Any, **more: Any) -> httpx.Response:
        """Pass the request to the county."""
        if str(url).split("/")[1] in self._down:
            raise httpx.ConnectError("connection refused")
        headers = {**more.pop("headers", {}), "Authorization": f"Bearer {ADMIN}"}
        AsAdmin.passing()
        answer: httpx.Response = self._county.http.request(method, url, headers=headers, **more)
        AsAdmin.passing()
        return answer


class ReleasingDesk:
    """The desk's releasing over a county. `down` may name services that do not answer."""

    def __init__(self, county: Pipeline, made: Any) -> None:
        self.county, self.made = county, made
        self.down: set[str] = set()
        self.releasing: Releasing = made.api.state.releasing

    @property
    def sets(self) -> Any:
        """The desk's sets."""
        return self.releasing.sets

    @property
    def receipts(self) -> Any:
        """The desk's receipts."""
        return self.releasing.receipts

    def settle(self, act: str, rounds: int = 10) -> str:
        """Let the desk and the county work until the set is settled or the rounds are over. Return its state."""
        for _ in range(rounds):
            self.sets.advance()
            self.county.flow()
        return str(self.sets.read(act)["state"])


@contextmanager
def releasing(
    folder: Path, county: Pipeline, connect: Callable[[set[str]], AsAdmin] | None = None
) -> Iterator[ReleasingDesk]:
    """Yield the desk of a county. `connect`: returns its client of the county, by default with the admin token."""
    down: set[str] = set()
    folder.mkdir(exist_ok=True)
    with desk(folder, lambda _service: connect(down) if connect else AsAdmin(county, down)) as made:
        one = ReleasingDesk(county, made)
        one.down = down
        yield one
