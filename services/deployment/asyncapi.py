"""The documents of contracts/ that list queues: `python -m services.deployment.asyncapi` writes asyncapi.json and
EVENTS.md, `--check` compares them. `contracts.generators` makes them of the topology that the manifests give.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from contracts.generators import documents
from services.runtime import manifests


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line. Exit code: 0 done, 1 stale, 2 usage."""
    parser = argparse.ArgumentParser(prog="python -m services.deployment.asyncapi", description=__doc__)
    parser.add_argument("--check", action="store_true", help="list stale documents; exit with 1 if there are any")
    parser.add_argument("--root", type=Path, default=documents.ROOT, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    wanted = documents.broker_documents(manifests.topology(), options.root)
    stale = documents.differing(wanted, options.root)
    for path in stale:
        if not options.check:
            documents.store(wanted[path], options.root / path)
        sys.stdout.write(f"contracts/{path}: {'stale; make contracts' if options.check else 'written'}\n")
    return int(options.check and bool(stale))


if __name__ == "__main__":
    sys.exit(main())
