"""Requests a second and their p99, as wrk measures them with one thread."""

import re
import subprocess
from dataclasses import dataclass

from tests.harness.packages import require

CONNECTIONS = 32
MILLISECONDS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


@dataclass(frozen=True)
class Served:
    """What one address served."""

    per_second: float
    p99_ms: float


def served_by(url: str, seconds: int) -> Served:
    """Read the address from `CONNECTIONS` connections. Raises `RuntimeError` for an answer that is not 2xx."""
    command = [str(require("wrk", "wrk")), "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency", url]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    share = re.search(r"99%\s+([\d.]+)(us|ms|s)", said)
    if rate is None or share is None or "Non-2xx" in said:
        raise RuntimeError(said)
    return Served(float(rate[1]), float(share[1]) * MILLISECONDS[share[2]])
