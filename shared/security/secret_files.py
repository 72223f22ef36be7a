"""Small private files, written completely or not at all."""

import os
import stat
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from shared.errors import Broken
from shared.security.data_folder import OTHERS, make_private


def kept_secret(path: Path, make: Callable[[], bytes]) -> bytes:
    """Return the file's content; if there is no file, create it with `make()`.

    Raises `Broken` when others may read it.
    """
    if not path.exists():
        make_private(path.parent)
        _create(path, make())
    return read_secret(path)


def read_secret(path: Path) -> bytes:
    """Return the file's content. Raises `Broken` when others may read it, and OSError when it cannot be read."""
    require_private(path)
    return path.read_bytes()


def require_private(path: Path) -> None:
    """Raises `Broken` when others may read the file, OSError when there is none."""
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & OTHERS:
        raise Broken(f"{path} is readable by others (mode {mode:o}): chmod 600")


def replace_secret(path: Path, content: bytes) -> None:
    """Replace the file's content durably (fsync). If we die before the rename, the old file stays."""
    aside = _written_aside(path, content)
    try:
        aside.replace(path)
    except OSError:
        aside.unlink()
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _create(path: Path, content: bytes) -> None:
    """Write a temporary file and link it. If we die, no half-written secret is left; of two writers the first wins."""
    aside = _written_aside(path, content)
    with suppress(FileExistsError):
        path.hardlink_to(aside)
    aside.unlink()


def _written_aside(path: Path, content: bytes) -> Path:
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        Path(name).unlink()
        raise
    return Path(name)
