"""The end of a restore: what was checked and staged changes places with what is there, whoever interrupts it."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from services import archive
from shared.errors import Conflict

STAGED = "restoring"


def resume_restore(folder: Path) -> None:
    """Before a county starts: carry through a restore that was interrupted. Raises `Conflict` while one goes on."""
    if (folder / STAGED).is_dir():
        with locked(folder):
            finish_restore(folder)


def finish_restore(folder: Path) -> None:
    """Put in place what was checked and staged. Does nothing when there is nothing; the folder's lock is held."""
    staged = folder / STAGED
    if not staged.is_dir():
        return
    aside = folder / (staged / "aside").read_text(encoding="ascii")
    aside.mkdir(mode=0o700, exist_ok=True)
    for path in sorted((*staged.glob("stores/*"), *staged.glob("keys/*"))):
        # A journal of the old file would be played into the new one.
        for old in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
            if (folder / old).exists():
                (folder / old).replace(aside / old)
        path.replace(folder / path.name)
    archive.sync_folder(folder)
    shutil.rmtree(staged)
    with suppress(OSError):
        aside.rmdir()


@contextmanager
def locked(folder: Path) -> Iterator[Path]:
    """The data folder, which no `tongyuan up` uses meanwhile. Raises `Conflict`."""
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield folder
    except BlockingIOError:
        raise Conflict(f"{folder} is in use by a running county: stop it first") from None
    finally:
        os.close(handle)
