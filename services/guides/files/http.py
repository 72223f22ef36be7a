"""`/v1/files`: editors upload here; channels and the desk read here, and nobody else, because most is not released."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from contracts.base import Json
from contracts.content.files import FILE_TYPES, SHA256
from services.guides.files.store import FileStore
from shared.errors import TooLarge
from shared.manifest.sources import FILE_BODY
from shared.tokens.access import By, guard
from shared.tokens.rights import Right
from shared.web.admission import List
from shared.web.edge import CREATED, etag_response

Sha256 = Annotated[str, Path(pattern=SHA256)]
Code = Annotated[
    str, Query(pattern=r"^([0-9A-Z]{31}|[0-9A-Z]{33})$", description="实施编码 of the guide that it is for")
]
Name = Annotated[str, Query(max_length=500, description="As the sender calls it; the bytes decide what it is.")]
BYTES = {"schema": {"type": "string", "format": "binary"}}
UPLOAD = {"requestBody": {"required": True, "content": {"application/octet-stream": BYTES}}}
TAKEN: dict[int | str, Json] = {200: {"content": dict.fromkeys(FILE_TYPES, BYTES), "description": "The bytes"}}


def files_router(store: FileStore) -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix="/v1/files", tags=["files"])

    @router.post(
        "",
        dependencies=[guard(Right.WRITE)],
        summary="Upload a blank form or a sample; the same bytes twice are one file",
        openapi_extra=UPLOAD,
        responses=CREATED,
    )
    async def add(by: By, request: Request, response: Response, code: Code, name: Name = "") -> Json:
        content = await request.body()
        if len(content) > FILE_BODY:
            raise TooLarge(f"a file may have {FILE_BODY} bytes")
        told, is_new = await run_in_threadpool(store.add, by, code, name, content)
        response.status_code = 201 if is_new else 200
        return told

    @router.get(
        "/{sha256}",
        dependencies=[guard(Right.FILES), List],
        summary="Read the bytes of a file",
        response_class=Response,
        responses=TAKEN,
    )
    def read(request: Request, sha256: Sha256) -> Response:
        content, media_type = store.content(sha256)
        headers = {"Content-Disposition": "attachment"}
        return etag_response(
            request, content, sha256, media_type=media_type, cache="private, no-cache", headers=headers
        )

    return router
