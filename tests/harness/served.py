"""A bare app under uvicorn, in a process of its own: the peer that ours is measured beside."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from tests.harness.county import REPOSITORY, answers, wait_for
from tests.harness.ports import free_port


@contextmanager
def served(app: str, *options: str, env: Mapping[str, str] | None = None) -> Iterator[str]:
    """Its address. `app` as uvicorn wants it; `options` and `env` beside what every such server gets."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", app, "--port", str(port), "--no-access-log", "--log-level", "error"]
    process = subprocess.Popen([*command, *options], cwd=REPOSITORY, env={**os.environ, **(env or {})})
    try:
        wait_for(lambda: answers(f"http://127.0.0.1:{port}/"), "the bare app answers")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()
