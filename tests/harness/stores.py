"""A service's store for a test: as migrated as any, without paying for the migrations and the disk each time."""

import atexit
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import event

from shared.database import Database
from shared.vault import Vault, make_keys


def store(service: str, url: str, migrations: str | None = None) -> Database:
    """A migrated database of a service; `migrations` where the folder of its migrations has another name.

    A SQLite file that does not exist yet is a copy of one that this process has migrated. Its commits do not wait for
    the disk: that matters when the machine dies, and then the test does too.
    """
    folder = migrations or service
    file = Path(url.removeprefix("sqlite:///"))
    db = Database(
        service,
        url,
        _vault(file.parent if url.startswith("sqlite") else _folder()) if folder == "applications" else None,
    )
    if not db.is_sqlite:
        db.migrate(folder)
        return db
    event.listen(db.engine, "connect", _wait_for_no_disk)
    if file.exists():
        db.migrate(folder)
    else:
        file.write_bytes(_migrated(folder))
    return db


def _vault(folder: Path) -> Vault:
    """Keys where a county in this folder would have them."""
    make_keys(folder / "personal-keys")
    return Vault(folder / "personal-keys")


@cache
def _folder() -> Path:
    """A folder for the keys of stores that are no files, for as long as this process lives."""
    place = tempfile.TemporaryDirectory()
    atexit.register(place.cleanup)
    return Path(place.name)


@cache
def _migrated(folder: str) -> bytes:
    """The SQLite file that the migrations of a folder make of nothing."""
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "store.db"
        db = Database("store", f"sqlite:///{file}")
        db.migrate(folder)
        db.close()
        return file.read_bytes()


def _wait_for_no_disk(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA synchronous=OFF")
