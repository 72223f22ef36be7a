"""HTTP of importing: /importing/v1/imports, their previews, runs and undos, and what these leave to read."""

from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Path, Query, Response
from fastapi.responses import FileResponse

from contracts.base import Json
from services.importing.commands import Imports
from services.importing.jobs.outcome import JobFile
from services.importing.jobs.settings import ImportSettings, RunRequest, SubmitSettings, UndoSettings
from services.importing.manifest import MANIFEST
from services.importing.upload_route import uploads_router
from shared.config import Settings
from shared.errors import NotFound
from shared.text.validation import parse
from shared.tokens.access import By, guard
from shared.tokens.rights import Right
from shared.web.edge import Content, make_api, takes

UploadId = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$", description="`id` of an uploaded list.")]
JobNumber = Annotated[int, Path(ge=1, le=2**31 - 1, description="`id` of a job.")]
MEDIA_TYPES = {"csv": "text/csv; charset=utf-8", "json": "application/json", "jsonl": "application/x-ndjson"}
ACCEPTED = 202


def make(imports: Imports, settings: Settings) -> FastAPI:
    """Return the ASGI app."""

    def ready() -> dict[str, Any]:
        imports.store.db.ping()
        return {"open_jobs": imports.store.open_jobs()}

    api = make_api("importing", "Tongyuan importing", settings, ready, MANIFEST.bodies)
    api.include_router(uploads_router(imports))
    api.include_router(_imports(imports))
    api.include_router(_jobs(imports))
    return api


def _imports(imports: Imports) -> APIRouter:
    router = APIRouter(prefix="/v1/imports", tags=["imports"], dependencies=[guard(Right.WRITE)])

    @router.get("", summary="List uploaded lists, newest first, with the jobs on them")
    def listed(
        before: Annotated[str | None, Query(max_length=27, description="`uploaded_at` of the last one shown.")] = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> Json:
        return {"imports": imports.listed(before, limit)}

    @router.get("/{upload}", summary="Read one uploaded list, with the files beside it and the jobs on it")
    def one(upload: UploadId) -> Json:
        return imports.told(upload)

    @router.get("/{upload}/mapping", summary="Suggest a mapping: the file's columns with examples, and our fields")
    def mapping(upload: UploadId) -> Json:
        return imports.suggestion(upload)

    _add_work(router, imports)
    return router


def _add_work(router: APIRouter, imports: Imports) -> None:
    """What is asked for on an uploaded list; each answers with a job."""

    @router.post(
        "/{upload}/previews",
        status_code=ACCEPTED,
        openapi_extra=takes(ImportSettings),
        summary="Ask what would become of every row; nothing is changed",
    )
    def preview(upload: UploadId, content: Content, by: By) -> Json:
        """The job's outcome has figures, values before and after, findings, and `digest`: what a run would release."""
        return imports.preview(upload, parse(ImportSettings, content), by)

    @router.post(
        "/{upload}/submissions",
        status_code=ACCEPTED,
        openapi_extra=takes(SubmitSettings),
        summary="Submit what a preview would release to the five gates; a run needs their signatures",
    )
    def submit(upload: UploadId, content: Content, by: By) -> Json:
        """The job's outcome has `reviews`: the review's number at each source, null where nothing changes."""
        return imports.submit(upload, parse(SubmitSettings, content), by)

    @router.post(
        "/{upload}/runs",
        status_code=ACCEPTED,
        openapi_extra=takes(RunRequest),
        summary="Import the file as a preview said; if the plan is another one meanwhile, nothing is changed",
    )
    def run(upload: UploadId, content: Content, by: By) -> Json:
        return imports.run(upload, parse(RunRequest, content), by)

    @router.post(
        "/{upload}/undos",
        status_code=ACCEPTED,
        openapi_extra=takes(UndoSettings),
        summary="Take the import of this file back as one act; what was changed since is listed and stays",
    )
    def undo(upload: UploadId, content: Content, by: By) -> Json:
        return imports.undo(upload, parse(UndoSettings, content), by)


def _jobs(imports: Imports) -> APIRouter:
    router = APIRouter(prefix="/v1/jobs", tags=["jobs"], dependencies=[guard(Right.WRITE)])

    @router.get("/{job}", summary="Read a job: its state, how far it is, and what it found")
    def one(job: JobNumber) -> Json:
        return imports.job(job)

    @router.delete("/{job}", summary="Cancel a job that has not begun")
    def cancel(job: JobNumber) -> Json:
        return imports.cancel(job)

    @router.get(
        "/{job}/files/{name}",
        summary="Read a file of an import job: the outcome of each row, rejected rows, warnings, findings",
        response_class=Response,
    )
    def file(job: JobNumber, name: JobFile) -> Response:
        path = imports.file(job, name)
        if not path.is_file():
            raise NotFound("这个任务没有这个文件 (this job has no such file)")
        kind = MEDIA_TYPES[path.suffix.removeprefix(".")]
        return FileResponse(path, media_type=kind, filename=name, headers={"Cache-Control": "no-store"})

    return router
