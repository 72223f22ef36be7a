"""Our server with limits given by a test, before an app for load. Run as its own process.

python -m tests.harness.bounded_app PORT '{"head_seconds": 0.5}'
"""

import asyncio
import json
import sys
from ipaddress import ip_network
from typing import Annotated

from fastapi import Body, FastAPI, Request, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from shared.config import Settings
from shared.web.admission import List
from shared.web.edge import make_api
from shared.web.limits import Limits
from shared.web.server.process import Threads, listen, serve

LARGE = bytes(1024) * 1024


class Silence:
    """A stream that sends a hello and nothing else."""

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification."""
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"hello\n", "more_body": True})
        while (await receive())["type"] != "http.disconnect":
            pass


def app() -> FastAPI:
    """Return an app with expensive routes."""
    api = make_api("bounded", "Bounded", Settings(_env_file=None), dict)

    @api.post("/length")
    def length(content: Annotated[bytes, Body(media_type="text/plain")]) -> int:
        return len(content)

    @api.post("/late")
    async def late(request: Request) -> int:
        await asyncio.sleep(3)
        return len(await request.body())

    @api.get("/large")
    def large() -> Response:
        # A new object each time: identical bytes would be counted only once.
        return Response(bytes(bytearray(LARGE)))

    @api.get("/shared")
    def shared() -> Response:
        return Response(LARGE)

    @api.get("/list", dependencies=[List])
    async def listing(seconds: float = 0) -> str:
        await asyncio.sleep(seconds)
        return "made"

    @api.get("/who")
    def who(request: Request) -> str:
        return request.client.host if request.client else ""

    api.router.routes.append(Route("/v1/stream", Silence(), methods=["GET"]))
    return api


def main() -> None:
    """Serve until stopped."""
    given = json.loads(sys.argv[2])
    networks = tuple(ip_network(one) for one in given.pop("stream_networks", ()))
    host = given.pop("host", "127.0.0.1")
    limits = Limits(**given, stream_networks=networks)
    serve(app(), listen(host, int(sys.argv[1])), Threads({}), limits=limits)


if __name__ == "__main__":
    main()
