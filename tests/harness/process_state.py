"""What the kernel says of a process."""

from pathlib import Path

ENDED = "ZX"
STOPPED = "T"


def is_alive(pid: int) -> bool:
    """Whether the process exists and is not a zombie."""
    return bool(pid) and _state(Path(f"/proc/{pid}/stat")) not in ENDED


def stands_still(pid: int) -> bool:
    """Whether no thread of the process runs any more, as after SIGSTOP."""
    threads = Path(f"/proc/{pid}/task").glob("*/stat")
    return all(_state(thread) in STOPPED + ENDED for thread in threads)


def _state(stat: Path) -> str:
    """Return the letter of proc(5); X if there is no such process or thread."""
    try:
        return stat.read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return "X"
