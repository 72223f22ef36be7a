"""`POST /v1/imports`: takes a file as it arrives, never whole in memory."""

import secrets
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool

from contracts.base import Json
from services.importing.commands import Imports
from services.importing.jobs.upload_folder import IS_FULL, Received, Receiving, safe_name
from shared.errors import Invalid, NoRoom, Violation
from shared.failures import FULL
from shared.tokens.access import By, guard
from shared.tokens.rights import Right

CREATED = 201
BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


def uploads_router(imports: Imports) -> APIRouter:
    """Return the route."""
    router = APIRouter(prefix="/v1/imports", tags=["imports"], dependencies=[guard(Right.WRITE)])

    @router.post("", status_code=CREATED, openapi_extra=BODY, summary="Upload a file: its bytes are the body")
    async def upload(
        request: Request,
        by: By,
        name: Annotated[str, Query(min_length=1, max_length=300, description="The file's name.")],
        beside: Annotated[
            str | None,
            Query(pattern=r"^[0-9a-f]{32}$", description="`id` of the list that this child or code table is for."),
        ] = None,
    ) -> Json:
        """At most 32 MB: `.xlsx`, `.xls`, CSV, JSON Lines or a JSON array. The content decides, not the name."""
        plain = safe_name(name)
        number = secrets.token_hex(16)
        try:
            with imports.folder.receive(number) as receiving:
                received = await _received(request, receiving)
                keep = partial(imports.keep, received, number, beside, plain, by)
                return await run_in_threadpool(keep)
        except OSError as error:
            if error.errno in FULL:
                raise NoRoom(IS_FULL) from error
            raise

    return router


async def _received(request: Request, receiving: Receiving) -> Received:
    async for chunk in request.stream():
        if chunk:
            await run_in_threadpool(receiving.take, chunk)
    received = await run_in_threadpool(receiving.finish)
    if received.size == 0:
        raise Invalid(Violation("file", "readable", "文件是空的 (the file is empty)"))
    return received
