"""`/<channel>/files/<code>/<sha256>.<extension>`: a blank form or a sample, only while a shown guide names it.

The bytes never change, but whether they may be shown does. So a copy is asked about each time (ETag, 304) instead of
being `immutable`: with the guide its forms go at once, also from caches that others run.
"""

from typing import Annotated
from urllib.parse import quote

import orjson
from fastapi import APIRouter, Path, Request, Response

from contracts.content.files import FILE_TYPES
from contracts.kinds import Kind
from services.channels.api import openapi, queries
from services.channels.files.named import NamedFile, named_files
from services.channels.files.store import FileStore
from shared.database.engine import Database
from shared.errors import NotFound
from shared.web.admission import List
from shared.web.edge import etag_response, problem

CACHE = "public, max-age=0, must-revalidate"
POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"
"""A browser that shows the file in spite of `attachment` runs nothing and sends nothing."""

EXTENSIONS = "|".join(one.extension.removeprefix(".") for one in FILE_TYPES.values())
Code = Annotated[str, Path(pattern=r"^[0-9A-Z]{1,64}$", description="实施编码 of the guide")]
FileName = Annotated[
    str, Path(pattern=rf"^[0-9a-f]{{64}}\.({EXTENSIONS})$", description="As `address` of the guide's document ends.")
]
BYTES = {"schema": {"type": "string", "format": "binary"}}


def router(db: Database, store: FileStore) -> APIRouter:
    """Return the route."""
    routes = APIRouter(tags=["documents"])

    @routes.get(
        "/files/{code}/{file_name}",
        dependencies=[List],
        summary="Read a blank form or a sample of a guide",
        response_class=Response,
        openapi_extra=openapi.IF_NONE_MATCH,
        responses={
            200: {"content": dict.fromkeys(FILE_TYPES, BYTES), "description": "The bytes"},
            304: openapi.UNCHANGED,
            404: openapi.problem_answer("No guide that this channel shows names this file"),
            410: openapi.problem_answer("The guide was shown before and is no longer in force"),
            503: openapi.problem_answer("The bytes cannot be had right now; see Retry-After"),
        },
    )
    def read(request: Request, code: Code, file_name: FileName) -> Response:
        with db.read() as session:
            served = queries.document(session, Kind.GUIDE, code)
            withdrawn = served is None and queries.gone(session, Kind.GUIDE, code)
        if withdrawn:
            return problem(410, "Gone", f"guide {code} is no longer in force")
        file = None if served is None else _named(served.content, file_name)
        if file is None:
            raise NotFound("no guide that is shown here names this file")
        headers = {"Content-Disposition": disposition(file.name), "Content-Security-Policy": POLICY}
        content = store.content(file)
        return etag_response(request, content, file.sha256, media_type=file.media_type, cache=CACHE, headers=headers)

    return routes


def _named(document: bytes, file_name: str) -> NamedFile | None:
    """Return the file with this address, if the document names it."""
    return next(
        (
            one
            for one in named_files(orjson.loads(document))
            if file_name == f"{one.sha256}{FILE_TYPES[one.media_type].extension}"
        ),
        None,
    )


def disposition(name: str) -> str:
    """Return the header with which a browser stores the file under its name (RFC 6266), never opens it in the page."""
    plain = name.encode("ascii", "ignore").decode().replace('"', "").replace("%", "")
    plain = plain if plain.rpartition(".")[0].strip() else f"file.{plain.rpartition('.')[2]}"
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
