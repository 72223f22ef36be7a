"""The last step of a restore: exchange the checked, staged files with the present ones. Safe against interruption."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from services.operations.archive.signed_file import sync_folder
from shared.errors import Conflict
from shared.security.data_folder import make_private, require_own_folder

STAGED, STAGING = "restoring", "restoring.partial"
"""STAGED: a completely checked backup, which will be put in place in any case. STAGING: one that may be removed."""


def resume_restore(folder: Path) -> None:
    """Finish an interrupted restore before a county starts. Raises `Conflict` while one is running."""
    if (folder / STAGED).is_dir() or (folder / STAGING).is_dir():
        with locked(folder):
            finish_restore(folder)


def finish_restore(folder: Path) -> None:
    """Put staged files in place, and remove files that were not staged completely. The caller holds the folder's lock.

    The process may die after any line: each file is moved once, and what is still staged is still to be moved.
    """
    shutil.rmtree(folder / STAGING, ignore_errors=True)
    staged = folder / STAGED
    if not staged.is_dir():
        return
    aside = folder / (staged / "aside").read_text(encoding="ascii")
    aside.mkdir(mode=0o700, exist_ok=True)
    for path in sorted((*staged.glob("stores/*"), *staged.glob("keys/*"))):
        # SQLite would apply an old file's journal to the new file.
        for old in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
            if (folder / old).exists():
                (folder / old).replace(aside / old)
        path.replace(folder / path.name)
    sync_folder(aside)
    sync_folder(folder)
    # Rename before removing: a half-removed folder must not look like one that is still to be put in place.
    staged.replace(folder / STAGING)
    shutil.rmtree(folder / STAGING)
    with suppress(OSError):
        aside.rmdir()


@contextmanager
def locked(folder: Path) -> Iterator[Path]:
    """Lock the data folder against `tongyuan up`. Raises `Conflict` while a county runs in it."""
    make_private(folder)
    require_own_folder(folder)
    handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield folder
    except BlockingIOError:
        raise Conflict(f"{folder} is in use by a running county: stop it first") from None
    finally:
        os.close(handle)
