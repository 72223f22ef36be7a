"""Writes the broker's definitions: every account with only the rights it needs, its password salted and hashed.

    RABBITMQ_PASSWORD_<ACCOUNT>=… python definitions.py FILE

The file is replaced as a whole, so that a broker that starts meanwhile reads the old one or the new one.
"""

import os
import sys
from pathlib import Path

import orjson

from services.runtime import manifests
from shared.errors import Invalid
from shared.messaging.topology_job import definitions

PREFIX = "RABBITMQ_PASSWORD_"


def main(target: Path) -> None:
    """Write `target`. Ends with status 1 and the names of the variables that are missing."""
    accounts = manifests.accounts()
    passwords = {one.name: os.environ.get(PREFIX + one.name.upper(), "") for one in accounts}
    try:
        content = orjson.dumps(definitions(accounts, passwords), option=orjson.OPT_INDENT_2)
    except Invalid as error:
        sys.exit("\n".join(f"{PREFIX}{broken.field.upper()}: {broken.message}" for broken in error.violations))
    fresh = target.with_suffix(".new")
    fresh.write_bytes(content)
    fresh.replace(target)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
