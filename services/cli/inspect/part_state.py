"""The parts of a county as `status` lists them: which are wrong, and what to do about it."""

from collections.abc import Iterator
from typing import Any

from contracts.topology import AUDITOR
from services.cli.inspect.legend import NOT_APPLICABLE

OLD_HEAD_SECONDS = 60


def is_bad(part: dict[str, Any]) -> bool:
    """Return whether a part is wrong: behind, or ahead, such as a source that was restored from an older backup."""
    wrong = any(part.get(what) for what in ("parked", "halted", "paused", "refuses", "unsigned", "damaged", "findings"))
    return bool(part["behind"] or wrong or _failed(part) or _stale(part))


def cell(value: object) -> str:
    """Return a value as a table shows it; None, which does not apply, as a dash and never as an empty cell."""
    return NOT_APPLICABLE if value is None else str(value)


def advice(parts: dict[str, dict[str, Any]]) -> Iterator[str]:
    """Yield what is wrong with each part, and what to do about it."""
    for name, part in parts.items():
        if refuses := part.get("refuses"):
            yield f"{name} has signed and recorded nothing since {refuses['since']}: {refuses['reason']}"
            yield "  `tongyuan doctor` shows which county the ledger belongs to. Restore a newer ledger of this county"
            yield "  (docs/operating/keys.md); only if there is none, run on the machine with the key:"
            yield f"  tongyuan keys accept {refuses['size']} {refuses['root']}"
        if part.get("unsigned"):
            yield f"{name} has signed no head yet, so nothing can be released: check that the sequencer runs"
        if part.get("damaged"):
            yield f"{name}: {part['damaged']} of its entries or tiles are damaged: tongyuan doctor lists them"
        if part.get("halted"):
            yield f"{name} has been halted since {part['halted']['since']}: {part['halted']['reason']}"
            yield "  `tongyuan doctor` shows which county the ledger belongs to. Restore a newer ledger of this county,"
            yield f"  or, to follow the present one: tongyuan rebuild {name} --new-epoch (docs/operating/backup.md)"
        if part.get("paused"):
            yield f"{name} has been paused since {part['paused']['since']}: {part['paused']['reason']}"
            yield f"  An operator lets it go on at the desk, or with POST /{name}/v1/resume"
        if refused := part.get("refused"):
            yield f"{name} has refused {refused['count']} heads, the newest at {refused['at']}: {refused['reason']}"
        if name == AUDITOR and part["read"] is None:
            yield f"{name} does not answer, so nobody compares the channels at the moment: tongyuan doctor"
        if _stale(part):
            yield f"{name}: its newest head is {part['head_age_seconds']:.0f} s old (at-three-in-the-morning.md)"
        if _failed(part):
            yield f"{name}: the drill of {part['drill']['finished_at']} failed: tongyuan drill {name}"
        if part["behind"] < 0:
            yield f"{name} has {-part['behind']} releases fewer than the ledger has recorded (docs/operating/backup.md)"


def _stale(part: dict[str, Any]) -> bool:
    """Return whether the newest head is old.

    Heads come every two seconds, so without one the channel may lack entries.
    """
    age = part.get("head_age_seconds")
    return age is not None and age > OLD_HEAD_SECONDS


def _failed(part: dict[str, Any]) -> bool:
    return part.get("drill", {}).get("good") is False
