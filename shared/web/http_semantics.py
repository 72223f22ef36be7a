"""HTTP semantics (RFC 9110) that hold for every route: HEAD wherever GET is, and redirects that name no host."""

from starlette.types import Message, Receive, Scope, Send


def head_as_get(scope: Scope, receive: Receive, send: Send) -> tuple[Scope, Receive, Send]:
    """Return what runs the GET of a HEAD request and sends only its headers (section 9.3.2).

    After the headers the app is told that the client left, so that an endless response ends, too.
    """
    answered = False

    async def sending(message: Message) -> None:
        nonlocal answered
        if message["type"] == "http.response.start":
            await send(message)
            answered = True
            await send({"type": "http.response.body", "body": b""})

    async def receiving() -> Message:
        return {"type": "http.disconnect"} if answered else await receive()

    return {**scope, "method": "GET"}, receiving, sending


def relative_location(headers: list[tuple[bytes, bytes]], scope: Scope) -> list[tuple[bytes, bytes]]:
    """Return the headers with a `Location` at the requested host as a path (section 10.2.2).

    Behind a TLS gateway the service knows neither scheme nor host of the public address, and Host is the client's word.
    """
    hosts = [value for name, value in scope["headers"] if name == b"host"]
    if server := scope.get("server"):  # named where Host is no host name
        hosts += [f"{server[0]}:{server[1]}".encode(), str(server[0]).encode()]
    return [(name, _path(value, hosts) if name.lower() == b"location" else value) for name, value in headers]


def _path(location: bytes, hosts: list[bytes]) -> bytes:
    for host in hosts:
        for scheme in (b"http://", b"https://"):
            rest = location.removeprefix(scheme + host)
            if rest != location and rest[:1] in (b"", b"/", b"?"):
                return b"/" + rest.lstrip(b"/\\")  # `//name/…` would be another host
    return location
