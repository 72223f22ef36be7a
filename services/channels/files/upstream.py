"""Reads files from their source, guides: over HTTP, or directly within one process."""

from collections.abc import Callable
from functools import cached_property
from typing import Protocol

import httpx

from contracts.content.files import LARGEST_FILE
from shared.errors import NotFound, UpstreamDown
from shared.feeds.upstream import remedy
from shared.security.tls import reason


class FileReader(Protocol):
    """The files of guides, as a channel reads them."""

    def content(self, sha256: str) -> bytes:
        """Return the bytes as the source sends them; nobody has checked them. Raises `UpstreamDown`, `NotFound`."""
        ...


class HttpFiles:
    """The same over HTTP. `connect` makes the client when the first file is wanted: workers never want one."""

    def __init__(self, connect: Callable[[], httpx.Client]) -> None:
        self._connect = connect

    @cached_property
    def _http(self) -> httpx.Client:
        return self._connect()

    def content(self, sha256: str) -> bytes:
        """See `FileReader`."""
        try:
            with self._http.stream("GET", f"/guides/v1/files/{sha256}") as answer:
                if answer.status_code == httpx.codes.NOT_FOUND:
                    raise NotFound(f"guides has no file {sha256[:12]}")
                if answer.status_code != httpx.codes.OK:
                    answer.read()
                    raise UpstreamDown(f"guides: status {answer.status_code}{remedy(answer)}")
                return _bounded(answer)
        except httpx.HTTPError as error:
            raise UpstreamDown(f"guides: {reason(error)}") from error


def _bounded(answer: httpx.Response) -> bytes:
    content = bytearray()
    for piece in answer.iter_bytes():
        content += piece
        if len(content) > LARGEST_FILE:
            raise UpstreamDown(f"guides: sends a file of more than {LARGEST_FILE} bytes")
    return bytes(content)
