"""The data folder is private: every file in it 0600, every folder 0700, from the moment it is made.

The umask of every process ensures this for new files (`services/__main__.py`). `tighten` corrects the modes of what an
earlier version left readable; `loose` lists what is still open to others.
"""

import os
import re
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from shared.errors import SettingsError

OTHERS = 0o077
FILE_MODE, FOLDER_MODE = 0o600, 0o700
BACKUP_STAGING = ".tongyuan-backup-"
OURS = ("replaced-", "restoring", BACKUP_STAGING)
"""Prefixes of folders that a restore or a backup makes in the data folder."""

LEFT_OPEN = re.compile(r"\w+\.db(-wal|-shm|-journal)?|address")
"""Files that an earlier version made with the modes of its umask. Keys and tokens were never among them: if one of
those is open, somebody opened it and others may know it, so its reader refuses to start.
"""


@dataclass(frozen=True, slots=True)
class Tightened:
    """How many files and folders others could read until now, and those that we may not change."""

    files: int = 0
    folders: int = 0
    refused: tuple[Path, ...] = ()

    def lines(self, folder: Path) -> Iterator[str]:
        """Yield lines for an operator: what was changed, and what could not be."""
        if self.files or self.folders:
            yield (
                f"{folder}: {self.files} files and {self.folders} folders were open to other users of this machine; "
                "their modes are now 0600 and 0700"
            )
        if self.refused:
            more = f" and {len(self.refused) - 1} more" if len(self.refused) > 1 else ""
            yield f"{self.refused[0]}{more}: open to other users and owned by another user: {REMEDY}"


REMEDY = "let its owner run chmod 600 (a folder: 700), or chown it to the county's account"


def make_private(folder: Path) -> None:
    """Make the folder private to us; an existing one stays as it is. Raises OSError."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=FOLDER_MODE, exist_ok=True)


def open_private(path: Path) -> BinaryIO:
    """Open a new private file for writing. Raises OSError, also when it exists."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE), "wb")


def make_private_file(path: Path) -> None:
    """Make an empty private file unless it exists, so that its next opener does not choose the mode.

    An existing file is not opened: closing it would release every lock that this process has on it (POSIX), and another
    process would take the journal of a database in use for an abandoned one.
    """
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE))


def require_own_folder(folder: Path) -> None:
    """Raises `SettingsError` for a folder where every user may make files, such as /tmp: it cannot be private."""
    if folder.stat().st_mode & stat.S_ISVTX:
        raise SettingsError(
            f"TONGYUAN_DATA_DIR: every user may write to {folder}: use a separate folder, such as {folder}/data"
        )


def tighten(folder: Path) -> Tightened:
    """Remove others' access from what an earlier version left open. Report what cannot be changed, and go on."""
    files, folders, refused = 0, 0, []
    for path in loose(folder):
        is_folder = path.is_dir()
        if not (is_folder or LEFT_OPEN.fullmatch(path.name)):
            continue
        try:
            # By path, because closing a handle would release the locks of a database in use. Folders come first.
            path.chmod(stat.S_IMODE(path.lstat().st_mode) & ~OTHERS)
        except OSError:
            refused.append(path)
            continue
        folders, files = (folders + 1, files) if is_folder else (folders, files + 1)
    return Tightened(files, folders, tuple(refused))


def loose(folder: Path) -> Iterator[Path]:
    """Yield files and folders of a data folder that others may read, write or enter. Links are not followed."""
    if not folder.is_dir():
        return
    for path in (folder, *_within(folder)):
        try:
            mode = path.lstat().st_mode
        except OSError:
            continue  # a journal that its database has removed meanwhile
        if (stat.S_ISREG(mode) or stat.S_ISDIR(mode)) and mode & OTHERS:
            yield path


def _within(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.is_symlink() or not path.is_dir():
            yield path
        elif path.name.startswith(OURS):
            yield path
            yield from path.rglob("*")
