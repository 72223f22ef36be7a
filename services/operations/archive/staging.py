"""The temporary folder in which a backup is assembled. It is removed afterwards, even if the process was killed."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from shared.security.data_folder import BACKUP_STAGING


@contextmanager
def staging(parent: Path) -> Iterator[Path]:
    """Yield a private folder in `parent`.

    If the process dies, the next call for `parent` removes it. Raises OSError.
    """
    _remove_abandoned(parent)
    folder = Path(tempfile.mkdtemp(prefix=BACKUP_STAGING, dir=parent))
    handle = os.open(folder, os.O_RDONLY)
    try:
        # The lock ends with the process: an unlocked folder is abandoned.
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield folder
    finally:
        os.close(handle)
        shutil.rmtree(folder, ignore_errors=True)


def _remove_abandoned(parent: Path) -> None:
    for folder in parent.glob(f"{BACKUP_STAGING}*"):
        with suppress(OSError):
            handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder)
            finally:
                os.close(handle)
