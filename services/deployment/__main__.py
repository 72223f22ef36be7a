"""`python -m services.deployment`: write the files that are generated from the manifests; `--check` compares them.

python -m services.deployment environment .env /etc/tongyuan    one file per process, for deploy/systemd
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from services.deployment import files, systemd
from shared.errors import SettingsError


def main(arguments: Sequence[str]) -> int:
    """Run the command line. Exit code: 0 done, 1 stale, 2 usage."""
    match arguments:
        case []:
            for file in files.write():
                sys.stdout.write(f"{file.relative_to(files.ROOT)}: written\n")
            return 0
        case ["--check"]:
            stale = files.stale()
            for file in stale:
                sys.stdout.write(f"{file.relative_to(files.ROOT)}: stale, run `python -m services.deployment`\n")
            return int(bool(stale))
        case ["environment", source, folder]:
            return _environments(Path(source), Path(folder))
    sys.stderr.write(f"usage: {__doc__}\n")
    return 2


def _environments(source: Path, folder: Path) -> int:
    try:
        made = systemd.write(systemd.read(source), folder)
    except (OSError, SettingsError) as error:
        sys.stderr.write(f"✗ {error}\n")
        return 2
    sys.stdout.write(f"{len(made)} files in {folder}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
