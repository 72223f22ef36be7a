"""A service's store for a test: migrated like any other, without running the migrations and syncing each time."""

import atexit
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.util import LRUCache

from shared.database.engine import Database
from shared.security.vault import Vault, make_keys

# Every store of every test would compile the same statements anew, a quarter of what a county's test costs. SQLAlchemy
# keeps what it has compiled by the dialect, and each engine has one of its own; all of them are made alike.
SQLiteDialect_pysqlite.__eq__ = lambda one, other: type(one) is type(other)  # type: ignore[method-assign]
SQLiteDialect_pysqlite.__hash__ = lambda one: hash(type(one))  # type: ignore[method-assign,assignment]
_compiled: LRUCache[Any, Any] = LRUCache(5_000)
KEY_FILES = {"applications": "personal-keys", "console": "staff-keys"}


def store(service: str, url: str, *migrations: str) -> Database:
    """Return a migrated database of a service; `migrations`: the folders of its migrations, if not its own.

    A new SQLite file is a copy of one that this process has migrated. Commits do not wait for the disk: that matters
    only if the machine dies, and then the test does too.
    """
    folders = migrations or (service,)
    file = Path(url.removeprefix("sqlite:///"))
    db = Database(
        service,
        url,
        _vault(file.parent if url.startswith("sqlite") else _folder(), KEY_FILES[service])
        if service in KEY_FILES
        else None,
    )
    if not db.is_sqlite:
        db.migrate(*folders)
        return db
    event.listen(db.engine, "connect", _wait_for_no_disk)
    for engine in (db.engine, db._writer, db._reader):  # noqa: SLF001  # see above
        engine._compiled_cache = _compiled  # noqa: SLF001  # likewise
    if file.exists():
        db.migrate(*folders)
    else:
        file.write_bytes(_migrated(*folders))
    return db


def _vault(folder: Path, file: str) -> Vault:
    """Return keys where a county in this folder would have them."""
    make_keys(folder / file)
    return Vault(folder / file)


@cache
def _folder() -> Path:
    """Return a folder for the keys of stores that are not files; it exists as long as this process."""
    place = tempfile.TemporaryDirectory()
    atexit.register(place.cleanup)
    return Path(place.name)


@cache
def _migrated(*folders: str) -> bytes:
    """Return the empty SQLite file that the migrations of these folders produce."""
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "store.db"
        db = Database("store", f"sqlite:///{file}")
        db.migrate(*folders)
        db.close()
        return file.read_bytes()


def _wait_for_no_disk(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA synchronous=OFF")
