"""Log lines: one per record whatever it contains, with time and trace, and never a token."""

import json
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.harness.pipeline import pipeline

ODD = 'a\r\n{"level":"error","event":"forged"}\x1b[2J\u2028\u202e'
SAYING = """
import logging, sys
from shared import log, trace
log.configure("web")
odd = sys.argv[1]
log.get("http").warning(odd, reason=odd)
log.get("http").error("bug", exc_info=ValueError(odd))
logging.getLogger("library").error("%s", odd)
with trace.act("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"):
    log.get("relay").warning("late")
"""


@pytest.fixture(scope="module")
def lines() -> list[dict[str, Any]]:
    """Return the four lines that a process logs of unusual values."""
    root = Path(__file__).resolve().parents[3]
    command = [sys.executable, "-c", SAYING, ODD]
    done = subprocess.run(command, cwd=root, capture_output=True, check=True, timeout=120)
    assert done.stdout == b"", "only standard error is written to"
    return [json.loads(line) for line in done.stderr.decode().removesuffix("\n").split("\n")]


def test_a_log_line_is_one_line_whatever_is_in_it(lines):
    assert len(lines) == 4
    assert (lines[0]["event"], lines[0]["reason"]) == (ODD, ODD)


def test_a_log_line_says_when_where_and_in_which_trace(lines):
    line = lines[3]
    assert (line["service"], line["area"], line["level"]) == ("web", "relay", "warning")
    assert line["trace_id"] == "0af7651916cd43dd8448eb211c80319c"
    assert datetime.fromisoformat(line["timestamp"]).utcoffset() == timedelta(0)


def test_a_refused_token_is_logged_without_the_token(tmp_path):
    with pipeline(tmp_path, channels=[]) as county, capture_logs() as told:
        county.http.get("/applications/v1/applications/37-2020-1", headers={"Authorization": "Bearer thief-guess"})
    (line,) = [line for line in told if line["event"] == "refused"]
    assert line["method"] == "GET"
    assert "{project_no}" in line["route"]
    assert "thief-guess" not in str(told)
    assert "37-2020-1" not in str(told)
