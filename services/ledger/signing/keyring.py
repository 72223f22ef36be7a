"""The file of the ledger's private keys; its format is described in `shared.signing.ring`."""

from datetime import datetime, timedelta
from pathlib import Path

from shared.signing import ring

KEY_FILE = "ledger-key.pem"


def rotate(folder: Path, overlap: timedelta, now: datetime) -> tuple[bytes, bytes]:
    """Add a new key to the file in the sequencer's folder, see `shared.signing.ring.rotate`."""
    return ring.rotate(folder / KEY_FILE, overlap, now)
