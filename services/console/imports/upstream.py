"""What pages and JSON routes ask of the service `importing`, as the person who is signed in."""

from collections.abc import Iterator
from typing import BinaryIO

from contracts.base import Json
from contracts.topology import IMPORTING
from services.console.upstream.services import Answer, Services
from shared.tokens.person import Person

CHUNK = 65_536


class ImportsUpstream:
    """See `services.console.upstream.services.Services`, also for what is raised."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def listed(self, person: Person, before: str | None = None, limit: int = 50) -> list[Json]:
        """Return uploaded lists, newest first."""
        params = {"limit": limit} | ({"before": before} if before else {})
        found: list[Json] = self._services.get(IMPORTING, "imports", person, **params).content["imports"]
        return found

    def upload(self, person: Person, name: str, file: BinaryIO, beside: str | None = None) -> Json:
        """Send a file on, as it is read; `beside`: the list that it belongs to. Return the list."""
        params = {"name": name} | ({"beside": beside} if beside else {})
        answer = self._services.send("POST", IMPORTING, "imports", person, params=params, content=_chunks(file))
        told: Json = answer.content
        return told

    def read(self, person: Person, upload: str) -> Json:
        """Return one list with its jobs."""
        told: Json = self._services.get(IMPORTING, f"imports/{upload}", person).content
        return told

    def mapping(self, person: Person, upload: str) -> Json:
        """Return the suggested mapping."""
        told: Json = self._services.get(IMPORTING, f"imports/{upload}/mapping", person).content
        return told

    def ask(self, person: Person, upload: str, kind: str, content: object) -> Json:
        """Ask for a job: `previews`, `submissions`, `runs` or `undos`."""
        told: Json = self._services.post(IMPORTING, f"imports/{upload}/{kind}", person, content).content
        return told

    def job(self, person: Person, number: int) -> Json:
        """Return a job with its outcome."""
        told: Json = self._services.get(IMPORTING, f"jobs/{number}", person).content
        return told

    def cancel(self, person: Person, number: int) -> Json:
        """Cancel a job that has not begun."""
        told: Json = self._services.delete(IMPORTING, f"jobs/{number}", person).content
        return told

    def file(self, person: Person, number: int, name: str) -> Answer:
        """Return a file that a job has left."""
        return self._services.get(IMPORTING, f"jobs/{number}/files/{name}", person)


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    while chunk := file.read(CHUNK):
        yield chunk
