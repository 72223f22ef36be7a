"""The folder of uploaded files and of what jobs write: private, each upload in a folder of its own.

    <folder>/<upload>/list/<name>      the file, and the files beside it, under names that cannot leave the folder
    <folder>/lock                      held by the process that works here
    <folder>/<upload>/job-<number>/    report, rejected rows, warnings, findings, and the mapping that was used

All files together have a budget; what would exceed it, or leave the disk too little room, is refused while it arrives.
A file has its name only once it is complete and on the disk. If the process dies before, a part remains, which the next
start removes.
"""

import hashlib
import os
import shutil
import unicodedata
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from threading import Lock
from typing import BinaryIO

from shared.errors import Invalid, NoRoom, TooLarge, Violation
from shared.security.data_folder import make_private, open_private

LARGEST_UPLOAD = 32 * 1024 * 1024
LEAST_FREE = 128 * 1024 * 1024
"""Bytes that stay free on the disk, which other stores may share."""

LONGEST_NAME = 120
LOCK = "lock"
IS_FULL = "磁盘已满，没有收下这个文件，已有内容不受影响：请管理员腾出空间后再上传 (the disk is full; nothing was lost)"
_PART = ".part"
_LONGEST_NAME_BYTES = 240


@dataclass(frozen=True, slots=True)
class Received:
    """A complete file that has no place yet."""

    part: Path
    size: int
    sha256: str


class Receiving:
    """Takes the bytes of one file as they arrive. `room`: called with their number; it may refuse them.

    Raises `TooLarge`, `NoRoom`, `OSError`.
    """

    def __init__(self, part: Path, room: Callable[[int], None]) -> None:
        self._part, self._size, self._digest, self._room = part, 0, hashlib.sha256(), room
        self._file: BinaryIO = open_private(part)

    def take(self, chunk: bytes) -> None:
        """Append these bytes."""
        self._size += len(chunk)
        if self._size > LARGEST_UPLOAD:
            raise TooLarge(
                f"文件超过{LARGEST_UPLOAD // 2**20} MB：请拆成几个文件，或另存为CSV "
                f"(the file has more than {LARGEST_UPLOAD:,} bytes: split it, or save it as CSV)"
            )
        self._room(len(chunk))
        self._digest.update(chunk)
        self._file.write(chunk)

    def finish(self) -> Received:
        """Write everything to the disk."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        return Received(self._part, self._size, self._digest.hexdigest())

    def abandon(self) -> None:
        """Remove what has arrived."""
        with suppress(OSError):  # closing writes what is buffered, and the disk may be full
            self._file.close()
        self._part.unlink(missing_ok=True)


class UploadFolder:
    """See the module. `folder` is made when it is first needed; `budget`: most bytes in it. Threads may share it."""

    def __init__(self, folder: Path, budget: int = 2 * 2**30) -> None:
        self.folder = folder
        self._budget = budget
        self._arriving: set[str] = set()
        self._lock, self._used, self._promised = Lock(), 0, 0

    @contextmanager
    def receive(self, upload: str) -> Iterator[Receiving]:
        """Yield what takes the bytes of an upload; until the end, nobody sweeps it. Raises `OSError`."""
        self._arriving |= {upload, f"{upload}{_PART}"}
        taken = 0

        def room(size: int) -> None:
            nonlocal taken
            self._promise(size)
            taken += size

        try:
            make_private(self.folder)
            self._count()
            receiving = Receiving(self.folder / f"{upload}{_PART}", room)
            try:
                yield receiving
            except BaseException:
                receiving.abandon()
                raise
        finally:
            self._arriving -= {upload, f"{upload}{_PART}"}
            self._promise(-taken)

    def _count(self) -> None:
        """Count what lies here complete."""
        used = sum(_size_of(path) for path in self.folder.rglob("*") if path.suffix != _PART)
        with self._lock:
            self._used = used

    def _promise(self, size: int) -> None:
        """Count bytes that arrive. Raises `NoRoom`."""
        with self._lock:
            if size > 0:
                self._require_room(size)
            self._promised += size

    def _require_room(self, size: int) -> None:
        if self._used + self._promised + size > self._budget:
            raise NoRoom(
                f"上传的文件已占满规定的{self._budget / 2**20:.0f} MB，没有收下这个文件，已有内容不受影响。"
                "过保存期的文件会自动删除；急用请管理员调大 TONGYUAN_IMPORT_DISK_BUDGET "
                f"(uploaded files fill their budget of {self._budget:,} bytes; nothing was lost)"
            )
        if shutil.disk_usage(self.folder).free - size < LEAST_FREE:
            raise NoRoom(IS_FULL)

    def has(self, upload: str) -> bool:
        """Whether anything of an upload is here."""
        return (self.folder / upload).is_dir()

    def place(self, received: Received, upload: str, beside: str | None, name: str) -> Path:
        """Give a complete file its place, for a file beside a list in the list's folder.

        If we die before the row is stored, the next start removes it, or it is replaced. Raises `OSError`.
        """
        folder = self.folder / (beside or upload)
        make_private(folder)
        make_private(folder / "list")
        path = folder / "list" / name
        received.part.replace(path)
        _sync(path.parent)
        return path

    def path(self, upload: str, name: str) -> Path:
        """Return where a file is, or would be."""
        return self.folder / upload / "list" / name

    def job_path(self, upload: str, job: int) -> Path:
        """Return where the folder of a job is, or would be."""
        return self.folder / upload / f"job-{job}"

    def of_job(self, upload: str, job: int) -> Path:
        """Return the folder of a job; make it if there is none. Raises `OSError`."""
        folder = self.job_path(upload, job)
        for one in (self.folder, folder.parent, folder):
            make_private(one)
        return folder

    def remove(self, upload: str) -> None:
        """Remove an upload with everything of it."""
        shutil.rmtree(self.folder / upload, ignore_errors=True)

    def sweep(self, known: Callable[[], Collection[str]]) -> int:
        """Remove what a process that died has left: parts, and uploads without a row. Return how many."""
        # In this order: what has arrived in between is known.
        found = list(self.folder.iterdir()) if self.folder.is_dir() else []
        arriving = set(self._arriving)
        left = [path for path in found if path.name != LOCK and path.name not in arriving]
        stored = known()
        left = [path for path in left if path.name not in stored]
        for path in left:
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
        return len(left)


def _size_of(path: Path) -> int:
    try:
        return path.stat().st_size if path.is_file() else 0
    except OSError:
        return 0


def safe_name(name: str) -> str:
    """Return a file name without folders, control characters and direction marks.

    Raises `Invalid` for a name that nothing is left of, or that is too long.
    """
    last = PurePosixPath(name.replace("\\", "/")).name
    plain = "".join(char for char in unicodedata.normalize("NFC", last) if char.isprintable()).strip().lstrip(".")
    if not plain or len(plain) > LONGEST_NAME or len(plain.encode()) > _LONGEST_NAME_BYTES:
        message = f"文件名须为1～{LONGEST_NAME}个字，不以点开头 (a file name of 1 to {LONGEST_NAME} characters)"
        raise Invalid(Violation("name", "file_name", message, name[:40]))
    return plain


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
