"""Folders of Node programs, each with the packages that its lock names, installed outside the repository."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from tests.harness.county import REPOSITORY
from tests.harness.packages import MissingPackageError, require

CLIENTS = REPOSITORY / "clients" / "node"
VALIDATORS = REPOSITORY / "tests" / "contract" / "validators"
INSTALLED = "installed"


@cache
def node_folder(programs: Path) -> Path:
    """Return a copy of the folder with its packages. Node itself is installed if it is missing.

    Raises `MissingPackageError` if the packages are not there and cannot be fetched.
    """
    require("node", "nodejs")
    npm = require("npm", "npm")
    files = sorted(path for path in programs.iterdir() if path.is_file())
    named = hashlib.sha256(b"".join(path.name.encode() + path.read_bytes() for path in files)).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()) / f"tongyuan-node-{os.geteuid()}-{named}"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / INSTALLED).exists():
            for path in files:
                shutil.copy(path, folder)
            command = [str(npm), "ci", "--ignore-scripts", "--no-progress"]
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=300)
            if done.returncode:
                raise MissingPackageError(f"npm ci failed in {programs}:\n{done.stdout}{done.stderr}")
            (folder / INSTALLED).touch()
    return folder


def node(program: str, *arguments: str, programs: Path = CLIENTS) -> list[str]:
    """Return the command that runs a program of one of the folders."""
    return [str(require("node", "nodejs")), str(node_folder(programs) / program), *arguments]
