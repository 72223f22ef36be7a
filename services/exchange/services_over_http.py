"""What the exchange needs of the county's services; the command line's client of a running county is one."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

from contracts.base import Json
from contracts.topology import IMPORTING
from shared.errors import Unavailable


class Services(Protocol):
    """The services over HTTP, with the caller's token. Raises `NotFound`, `Refused`, `UpstreamDown`."""

    def get(self, service: str, path: str, **params: Any) -> Any:
        """GET `/<service>/v1/<path>` as JSON."""
        ...

    def get_public(self, service: str, path: str, **params: Any) -> Any:
        """`get` without a token: what anybody may see now, and so nothing that is scheduled for later."""
        ...

    def post(self, service: str, path: str, content: Any = None) -> Any:
        """POST JSON to `/<service>/v1/<path>`; return the answer as JSON."""
        ...

    def upload(self, service: str, path: str, chunks: Iterable[bytes], **params: str) -> Any:
        """POST bytes to `/<service>/v1/<path>`; return the answer as JSON."""
        ...


def pages(services: Services, service: str, path: str, member: str, key: str, size: int) -> Iterator[Json]:
    """Yield the entries of a list that continues `after` the last one's `key`."""
    after = ""
    while found := services.get(service, path, after=after, limit=size)[member]:
        yield from found
        after = found[-1][key]


def ended_job(services: Services, job: int, rest: Callable[[], object], most: int) -> Json:
    """Return an import job once it is over. `rest` waits between two looks, of which there are at most `most`.

    Raises `Unavailable` for a job that is not over by then; it goes on nevertheless.
    """
    for _ in range(most):
        found: Json = services.get(IMPORTING, f"jobs/{job}")
        if found["state"] not in ("waiting", "running"):
            return found
        rest()
    raise Unavailable(f"job {job} of the import is not over yet: look at it at the desk, and repeat the command then")
