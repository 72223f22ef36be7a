"""Writes the time of a backup where a Prometheus node exporter reads it (its collector "textfile")."""

from pathlib import Path

from services.operations.backups.backup import BackupResult
from shared.atomic_file import write_atomically
from shared.errors import Invalid, Violation

TEMPLATE = """# HELP {time} Unix time at which the newest backup was made.
# TYPE {time} gauge
{time} {seconds:.3f}
# HELP {size} Size of the newest backup.
# TYPE {size} gauge
{size} {bytes}
"""
TIME = "tongyuan_backup_newest_timestamp_seconds"
SIZE = "tongyuan_backup_newest_bytes"


def require_textfile(file: Path) -> None:
    """Raise `Invalid` for a file that the node exporter would not read: it reads `*.prom` in one folder."""
    if file.suffix != ".prom" or not file.absolute().parent.is_dir():
        rule = "must end with .prom and lie in the folder that the node exporter reads"
        raise Invalid(Violation("metrics-file", "textfile", rule, str(file)[:200]))


def write_textfile(file: Path, done: BackupResult) -> None:
    """Replace `file` as a whole; anybody may read it. A reader finds the old one or the new one."""
    size = done.file.stat().st_size
    text = TEMPLATE.format(time=TIME, size=SIZE, seconds=done.manifest.made_at.timestamp(), bytes=size)
    write_atomically(file, text.encode(), 0o644)
