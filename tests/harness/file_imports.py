"""Imports over HTTP for tests: the service with a store and a folder of its own, before a small county."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from starlette.testclient import TestClient

from services.importing import api
from services.importing.commands import Imports
from services.importing.jobs.keeping import Keeping
from services.importing.jobs.runner import JobRunner
from services.importing.jobs.store import JobStore
from services.importing.jobs.upload_folder import UploadFolder
from services.runtime.wiring import Wiring
from shared.errors import NotFound, Refused, UpstreamDown
from shared.tokens.person import Person
from tests.harness.pipeline import ADMIN, Pipeline

NAME = "importing"
TOKEN = {"Authorization": f"Bearer {ADMIN}"}


class AppSources:
    """The HTTP APIs of catalog and guides in this process, with the admin token. `person`: who the job is for."""

    def __init__(self, county: Pipeline, person: Person | None = None, dies_after: int | None = None) -> None:
        self._county, self.person, self.left = county, person, dies_after

    def get(self, service: str, path: str, **params: Any) -> Any:
        return self._answer(self._county.http.get(f"/{service}/v1/{path}", params=params, headers=TOKEN))

    def post(self, service: str, path: str, content: object) -> Any:
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                raise UpstreamDown(f"{service} does not answer")
        return self._answer(self._county.http.post(f"/{service}/v1/{path}", json=content, headers=TOKEN))

    def delete(self, service: str, path: str) -> Any:
        return self._answer(self._county.http.delete(f"/{service}/v1/{path}", headers=TOKEN))

    def close(self) -> None:
        """Nothing is open."""

    def _answer(self, answer: httpx.Response) -> Any:
        if answer.status_code == httpx.codes.NOT_FOUND:
            raise NotFound(answer.text)
        if not answer.is_success:
            raise Refused(answer.text)
        return answer.json()


class FileImports:
    """The service and its one worker, whose jobs are done when the test says so."""

    def __init__(self, county: Pipeline, folder: Path) -> None:
        self.county = county
        settings = county.settings.model_copy(update={"data_dir": folder})
        self._wiring = Wiring(settings)
        self._wiring.migrate(NAME)
        self.store, self.folder = JobStore(self._wiring.database(NAME)), UploadFolder(folder / "imports")
        self.people: list[Person | None] = []
        self.dies_after: int | None = None
        self.keeping = Keeping(self.store, self.folder, settings.import_keep_days)
        self.runner = JobRunner(self.keeping, self._connect)
        self.app = api.make(Imports(self.store, self.folder, self.keeping), settings)
        self.http = TestClient(self.app, headers=TOKEN)

    def upload(self, name: str, content: bytes, beside: str | None = None) -> httpx.Response:
        """Send a file."""
        params = {"name": name} | ({"beside": beside} if beside else {})
        answer: httpx.Response = self.http.post("/v1/imports", params=params, content=content)
        return answer

    def uploaded(self, path: Path) -> str:
        """Send a file that is taken; return the number of the upload."""
        answer = self.upload(path.name, path.read_bytes())
        assert answer.status_code == httpx.codes.CREATED, answer.text
        return str(answer.json()["id"])

    def job(self, upload: str, kind: str, **content: Any) -> dict[str, Any]:
        """Ask for a job, do it, and return what became of it."""
        answer = self.http.post(f"/v1/imports/{upload}/{kind}", json=content)
        assert answer.status_code == httpx.codes.ACCEPTED, answer.text
        self.runner.do_next(threading.Event())
        return self.read(answer.json()["id"])

    def read(self, job: int) -> dict[str, Any]:
        """Return a job."""
        told: dict[str, Any] = self.http.get(f"/v1/jobs/{job}").json()
        return told

    def preview(self, upload: str, **settings: Any) -> dict[str, Any]:
        """Preview a file."""
        return self.job(upload, "previews", **settings)

    def submit(self, preview: dict[str, Any]) -> dict[str, Any]:
        """Submit a preview to the five gates."""
        return self.job(preview["upload"], "submissions", preview=preview["id"], digest=preview["digest"])

    def run(self, preview: dict[str, Any]) -> dict[str, Any]:
        """Carry a preview out."""
        return self.job(preview["upload"], "runs", preview=preview["id"], digest=preview["digest"])

    def close(self) -> None:
        self.http.close()
        self._wiring.close()

    def _connect(self, person: Person | None) -> Any:
        self.people.append(person)
        return AppSources(self.county, person, self.dies_after)


@contextmanager
def file_imports(county: Pipeline, folder: Path) -> Iterator[FileImports]:
    """Yield the service over a new store in `folder`."""
    made = FileImports(county, folder)
    try:
        yield made
    finally:
        made.close()
