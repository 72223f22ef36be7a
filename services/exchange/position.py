"""How far a target of the exchange is: a file with the position of the ledger and what waits for its time."""

from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

from shared.atomic_file import write_atomically
from shared.errors import Invalid, Violation


@dataclass(frozen=True, slots=True)
class Position:
    """`position`: entries up to it were exchanged. `waiting`: codes that time alone will change."""

    position: int = 0
    waiting: tuple[str, ...] = ()


def load(path: Path) -> Position:
    """Return the stored position; the beginning if there is no file. Raises `Invalid`, `OSError`."""
    try:
        told = orjson.loads(path.read_bytes())
        return Position(int(told["position"]), tuple(map(str, told["waiting"])))
    except FileNotFoundError:
        return Position()
    except (ValueError, KeyError, TypeError):
        message = "is no position of an exchange: name another file, or remove it to send everything again"
        raise Invalid(Violation(str(path), "position-file", message)) from None


def save(path: Path, position: Position) -> None:
    """Replace the file. Called after the target has the rows: if we die in between, they are sent again. Raises
    `OSError`.
    """
    write_atomically(path, orjson.dumps(asdict(position)))
