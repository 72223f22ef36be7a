"""Writes a file whole or not at all: who reads it meanwhile finds the former content or the new one.

Not for secrets and keys, which must survive a power cut: `shared.security.secret_files`.
"""

from pathlib import Path


def write_atomically(file: Path, content: bytes, mode: int | None = None) -> None:
    """Replace the file. `mode`: its permissions from the first byte on; None leaves them to the umask.

    If we die before the rename, the former file stays. Raises `OSError`.
    """
    fresh = file.with_name(f"{file.name}.new")
    if mode is not None:
        fresh.touch(mode=mode)
        fresh.chmod(mode)
    fresh.write_bytes(content)
    fresh.replace(file)
