"""The same actions as JSON: `/console/v1/imports…`. Bodies and answers are those of importing's own API."""

import tempfile
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from contracts.base import Json
from services.console.desk import Desk
from services.console.imports.roles import Reader, Releaser, Writer
from services.console.imports.routes import FileName, JobNumber, UploadId, download
from services.console.imports.upstream import ImportsUpstream
from shared.web.edge import Content

SPOOLED = 1_048_576
CREATED, ACCEPTED = 201, 202
ANY_OBJECT: dict[str, Any] = {
    "requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}
}
BYTES: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


def routes_of(desk: Desk) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix="/v1/imports", tags=["imports"])
    upstream = ImportsUpstream(desk.services)

    @routes.get("", summary="List uploaded lists, newest first")
    def listed(
        person: Reader,
        before: Annotated[str | None, Query(max_length=27)] = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> Json:
        return {"imports": upstream.listed(person, before, limit)}

    @routes.post("", status_code=CREATED, openapi_extra=BYTES, summary="Upload a file: its bytes are the body")
    async def upload(
        request: Request,
        person: Writer,
        name: Annotated[str, Query(min_length=1, max_length=300)],
        beside: Annotated[str | None, Query(pattern=r"^[0-9a-f]{32}$")] = None,
    ) -> Json:
        with tempfile.SpooledTemporaryFile(SPOOLED) as file:
            async for chunk in request.stream():
                await run_in_threadpool(file.write, chunk)
            file.seek(0)
            return await run_in_threadpool(upstream.upload, person, name, file, beside)  # type: ignore[arg-type]  # is one

    @routes.get("/{upload}", summary="Read one uploaded list with its jobs")
    def one(person: Reader, upload: UploadId) -> Json:
        return upstream.read(person, upload)

    @routes.get("/{upload}/mapping", summary="Suggest a mapping")
    def mapping(person: Reader, upload: UploadId) -> Json:
        return upstream.mapping(person, upload)

    _step_routes(routes, upstream)
    _job_routes(routes, upstream)
    return routes


def _step_routes(routes: APIRouter, upstream: ImportsUpstream) -> None:
    @routes.post("/{upload}/previews", status_code=ACCEPTED, openapi_extra=ANY_OBJECT, summary="Ask for a preview")
    def preview(person: Writer, upload: UploadId, content: Content) -> Json:
        return upstream.ask(person, upload, "previews", content)

    @routes.post(
        "/{upload}/submissions", status_code=ACCEPTED, openapi_extra=ANY_OBJECT, summary="Submit a preview for review"
    )
    def submit(person: Writer, upload: UploadId, content: Content) -> Json:
        return upstream.ask(person, upload, "submissions", content)

    @routes.post("/{upload}/runs", status_code=ACCEPTED, openapi_extra=ANY_OBJECT, summary="Import as a preview said")
    def run(person: Releaser, upload: UploadId, content: Content) -> Json:
        return upstream.ask(person, upload, "runs", content)

    @routes.post("/{upload}/undos", status_code=ACCEPTED, openapi_extra=ANY_OBJECT, summary="Take an import back")
    def undo(person: Releaser, upload: UploadId, content: Content) -> Json:
        return upstream.ask(person, upload, "undos", content)


def _job_routes(routes: APIRouter, upstream: ImportsUpstream) -> None:
    @routes.get("/jobs/{job}", summary="Read a job")
    def job(person: Reader, job: JobNumber) -> Json:
        return upstream.job(person, job)

    @routes.delete("/jobs/{job}", summary="Cancel a job that has not begun")
    def cancel(person: Writer, job: JobNumber) -> Json:
        return upstream.cancel(person, job)

    @routes.get("/jobs/{job}/files/{name}", summary="Read a file of a job", response_class=Response)
    def file(person: Reader, job: JobNumber, name: FileName) -> Response:
        return download(upstream, person, job, name)
