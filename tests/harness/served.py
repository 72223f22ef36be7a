"""Runs a bare app under uvicorn in its own process, to measure ours against it."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from tests.harness.county import REPOSITORY, answers, wait_for
from tests.harness.ports import free_port


@contextmanager
def served(app: str, *options: str, env: Mapping[str, str] | None = None) -> Iterator[str]:
    """Return its address. `app`: as uvicorn takes it; `options` and `env` are added to those of every such server."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", app, "--port", str(port), "--no-access-log", "--log-level", "error"]
    process = subprocess.Popen([*command, *options], cwd=REPOSITORY, env={**os.environ, **(env or {})})
    try:
        wait_for(lambda: answers(f"http://127.0.0.1:{port}/"), "the bare app answers")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()
