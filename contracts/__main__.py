"""`python -m contracts`: write the generated documents; `--check` compares them, `--release` makes them a promise."""

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from contracts.generators import documents


def main(arguments: Sequence[str] | None = None) -> int:
    """Return the exit code: 0 done, 1 stale or breaking, 2 usage."""
    options = _parser().parse_args(arguments)
    if options.check:
        return _check(options.root)
    if options.release:
        return _release(options.root)
    _say(f"contracts/{path}: written" for path in documents.write(options.root))
    return 0


def _check(root: Path) -> int:
    stale = documents.stale(root)
    _say(f"contracts/{path}: stale; make contracts" for path in stale)
    return 1 if stale else 0


def _release(root: Path) -> int:
    try:
        _say(f"{name}: released" for name in documents.release(root))
    except documents.BrokenPromise as error:
        _say(
            [
                *error.changes,
                "Nothing was released. A breaking change needs a new event type: contracts.generators.compatibility.",
            ]
        )
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m contracts", description=__doc__)
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--check", action="store_true", help="list stale documents; exit with 1 if there are any")
    action.add_argument(
        "--release",
        action="store_true",
        help="release the current schemas: later changes must stay compatible with them",
    )
    parser.add_argument("--root", type=Path, default=documents.ROOT, help=argparse.SUPPRESS)
    return parser


def _say(lines: Iterable[str]) -> None:
    for line in lines:
        sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
