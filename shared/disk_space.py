"""Measures the disk on which this process writes, each time its metrics are read."""

import shutil
from pathlib import Path

from shared import metrics


def measure_disk(folder: Path) -> None:
    """Let the metrics tell the free space of the disk of `folder`, or of `/` while there is no such folder.

    A container without a volume writes on the disk of its machine, so `/` is what fills up there.
    """

    def usage() -> "shutil._ntuple_diskusage":
        return shutil.disk_usage(folder if folder.is_dir() else Path("/"))

    metrics.disk_free.set_function(lambda: usage().free)
    metrics.disk_size.set_function(lambda: usage().total)
