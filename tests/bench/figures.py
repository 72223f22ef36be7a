"""Figures of one run: medians and shares of what was measured, and the machine and moment that they belong to."""

import os
import platform
import statistics
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

Figures = dict[str, Any]


def spread(values: Sequence[float]) -> dict[str, float]:
    """p50, p90, p99 and the largest."""
    ordered = sorted(values)
    shares = {"p90": 0.9, "p99": 0.99, "max": 1.0}
    picked = {name: ordered[min(int(len(ordered) * share), len(ordered) - 1)] for name, share in shares.items()}
    return {name: round(value, 1) for name, value in {"p50": statistics.median(ordered), **picked}.items()}


def machine() -> dict[str, Any]:
    """Processor, cores, memory in MiB, kernel, Python, and how busy the machine was when the run began."""
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "processor": _line("/proc/cpuinfo", "model name"),
        "cores": os.cpu_count(),
        "memory_mb": int(_line("/proc/meminfo", "MemTotal").split()[0]) // 1024,
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load_before": round(os.getloadavg()[0], 2),
    }


def status(pid: int, field: str) -> int:
    """A number of /proc/PID/status, in KiB; 0 when the process has ended."""
    file = f"/proc/{pid}/status"
    return int(_line(file, field).split()[0]) if Path(file).exists() else 0


def cpu_seconds(pid: int) -> float:
    """Processor time that a process has used, its own and the kernel's for it."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


def _line(file: str, name: str) -> str:
    lines = Path(file).read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), "0")
