"""Finds a server's program or installs its Debian package, so that the whole suite runs on a fresh machine."""

import fcntl
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

POLICY = Path("/usr/sbin/policy-rc.d")
APT = ("apt-get", "-q", "-y", "-o", "DPkg::Lock::Timeout=300")


class MissingPackageError(RuntimeError):
    """A program is missing and cannot be installed from here: install the named package and try again."""


def require(binary: str, package: str, *, places: Sequence[str] = (), policy: Path = POLICY) -> Path:
    """Return the path of `binary`, from `places` (folders, globs allowed, newest version first) or PATH.

    If it is missing, root installs `package`, one process at a time, without starting its daemon; other users get
    MissingPackageError with the package's name.
    """
    if found := find(binary, places):
        return found
    with _one_at_a_time():
        if found := find(binary, places):
            return found
        _install(binary, package, policy)
        if found := find(binary, places):
            return found
    raise MissingPackageError(f"{binary} is not in {package}: looked in PATH and {', '.join(places) or 'nowhere else'}")


def require_file(path: Path, package: str, *, policy: Path = POLICY) -> Path:
    """Return `path`, a file of the Debian package `package`; otherwise as in `require`."""
    if path.exists():
        return path
    with _one_at_a_time():
        if not path.exists():
            _install(path.name, package, policy)
    if not path.exists():
        raise MissingPackageError(f"{path} is not in {package}")
    return path


def find(binary: str, places: Sequence[str] = ()) -> Path | None:
    """Return the path of `binary` (a program or a library), or None.

    `places` come before PATH, so that no wrapper shadows Debian's program.
    """
    # A library is loaded and needs no permission to execute.
    right = os.R_OK if ".so" in binary else os.X_OK
    for place in places:
        for folder in sorted(Path("/").glob(place.lstrip("/")), key=_version, reverse=True):
            if os.access(folder / binary, right):
                return folder / binary
    found = shutil.which(binary)
    return Path(found) if found else None


def _version(folder: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", str(folder))]


def _install(binary: str, package: str, policy: Path) -> None:
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise MissingPackageError(f"{binary} is missing: install the Debian package {package}")
    with _no_daemon_starts(policy):
        for arguments in (("update",), ("install", "--no-install-recommends", package)):
            _apt(package, arguments)


def _apt(package: str, arguments: Sequence[str]) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(
        [*APT, *arguments], env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise MissingPackageError(f"apt-get {arguments[0]} for {package} failed:\n{done.stdout}{done.stderr}")


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    with (Path(tempfile.gettempdir()) / f"tongyuan-packages-{os.geteuid()}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def _no_daemon_starts(policy: Path) -> Iterator[None]:
    """Prevent a freshly installed package from starting its service on a standard port: 101 forbids it in Debian."""
    if policy.exists():
        yield
        return
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    try:
        yield
    finally:
        policy.unlink(missing_ok=True)
