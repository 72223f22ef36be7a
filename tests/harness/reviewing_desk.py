"""A desk before a county of five gates: its calls to the sources carry the person who asked, as in a real county.

with reviewing_desk(folder) as desk: desk.made.session("bianji").submit("/content/...", act="submit")
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from contracts.topology import CONSOLE
from services.console.reviews.upstream import REVIEWED
from services.runtime import manifests
from shared.tokens.checking import Callers
from tests.harness.pipeline import Pipeline, pipeline
from tests.harness.releasing import AsAdmin, ReleasingDesk, releasing


class AsPerson(AsAdmin):
    """Passes requests to the sources with the desk's own tokens, which name a person."""

    def __init__(self, county: Pipeline, down: set[str], sources: dict[str, TestClient]) -> None:
        super().__init__(county, down)
        self._sources = sources

    def request(self, method: str, url: Any, **more: Any) -> httpx.Response:
        """Pass the request to a source, or as `AsAdmin` to another service."""
        name = str(url).split("/")[1]
        if name not in self._sources or name in self._down:
            return super().request(method, url, **more)
        answer: httpx.Response = self._sources[name].request(method, url, **more)
        return answer


@contextmanager
def reviewing_desk(folder: Path) -> Iterator[ReleasingDesk]:
    """Yield the desk of a new county that releases only what was reviewed."""
    (folder / "county").mkdir()
    sources: dict[str, TestClient] = {}
    with (
        pipeline(folder / "county", channels=["web"], review="five") as county,
        releasing(folder / "desk", county, lambda down: AsPerson(county, down, sources)) as desk,
    ):
        for name in REVIEWED:
            app = county.api(name)
            app.state.callers = Callers(name, {CONSOLE: (desk.made.key.public_key(),)}, manifests.permissions(name))
            sources[name] = TestClient(Starlette(routes=[Mount(f"/{name}", app)]), raise_server_exceptions=False)
        yield desk
