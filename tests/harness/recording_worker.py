"""A worker process with recorders: `python -m tests.harness.recording_worker URL SIZE HEARTBEAT QUEUE=FILE …`."""

from shared.messaging.eventlet_patch import patch

if __name__ == "__main__":
    patch()

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from shared.messaging.consumer import batch
from shared.messaging.delivery import Message, Refusal
from shared.messaging.worker import run_worker
from shared.security.tls import Tls
from tests.harness.recording import Recorder


def main(url: str, size: str, heartbeat: str, *queues: str) -> None:
    """Consume from the queues until SIGTERM."""
    files = dict(pair.split("=", 1) for pair in queues)
    folder = os.environ.get("TONGYUAN_TLS_FOLDER")
    tls = Tls(Path(folder)) if folder else None
    run_worker(_service(files, int(size)), url, heartbeat=int(heartbeat), tls=tls)


def _service(files: Mapping[str, str], size: int) -> type:
    members: dict[str, Any] = {"name": "recording"}
    for number, (queue, file) in enumerate(files.items()):
        members[f"take_{number}"] = batch(queue, size=size)(_method(Recorder(Path(file))))
    return type("Recording", (), members)


def _method(record: Recorder) -> Callable[[Any, Sequence[Message]], Sequence[Refusal]]:
    def take(_self: Any, messages: Sequence[Message]) -> Sequence[Refusal]:
        return record(messages)

    return take


if __name__ == "__main__":
    main(*sys.argv[1:])
