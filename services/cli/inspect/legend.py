"""What the columns and the empty cells of a command's output mean: units, time zone, and what was checked."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

NOT_APPLICABLE = "–"

STATUS = (
    "position: releases of a source; entries that the ledger has, a channel has applied, the auditor has read",
    "behind: releases or entries that the next part has not taken yet; parked: entries that a channel cannot show",
    "head age: seconds since the newest signed head that the part holds; findings: what the auditor finds wrong now",
    f"{NOT_APPLICABLE} does not apply to this part, or has not happened yet; times are UTC",
)
VERIFY = (
    "position: entries that the channel has applied; documents: those compared with the ledger, byte by byte",
    "head age: time since the newest signed head of the channel; times are UTC",
)
SCREENS = (
    "good: shows what the kiosk shows; old: another text for more than 5 s; silent: no report for more than 8 s",
    "unverified: it could not check a signed head; waiting: its code is not yet used; revoked: its reports are refused",
)


def now() -> str:
    """Return this machine's time as UTC, to the second."""
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC"


def utc(time: str) -> str:
    """Return an RFC 3339 time to the second and with the name of its zone, as operators read it."""
    return f"{datetime.fromisoformat(time).astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def doctor(folder: Path) -> Iterator[str]:
    """Yield what `doctor` has checked, with its limits, and what it could not check from here."""
    yield (
        "checked: whether every service answers, is ready and of this county; the token; signer; damage in the ledger; "
        "messages unconfirmed for more than 60 s; clocks, 5 s apart at most; source keys; certificates, 21 days left"
    )
    if folder.exists():
        yield f"checked on this machine: free space (at least 500 MiB), file rights and readable stores of {folder}"
    else:
        yield f"not checked: disk space and file rights, as there is no data folder {folder} here (--data-dir)"
    yield "not checked: whether channels show what was released; `tongyuan verify` does. Times are UTC"
