"""A client of one event stream within this process, without HTTP. It leaves when nothing more is to come."""

import asyncio
from collections.abc import Sequence
from typing import Any

from shared.web.event_stream import Frame, Stream

HELLO = b"hello"


def sent_to_client(stream: Stream, *meanwhile: Sequence[Frame], after: int = -1) -> list[bytes]:
    """Return the messages to a client that has seen change `after`, without the hello and the empty end.

    `meanwhile`: the frames that are added while its hello, its first message, its second … are on their way.
    """
    messages: list[bytes] = []
    waiting = list(meanwhile)

    async def send(message: Any) -> None:
        if message["body"]:
            messages.append(message["body"])
        if waiting:
            stream.add(list(waiting.pop(0)))

    async def receive() -> Any:
        # The stream waits for news, and so lets this run, only when the client has everything.
        return {"type": "http.disconnect"}

    asyncio.run(stream.serve(send, receive, HELLO, after))
    assert messages.pop(0) == HELLO
    return messages
