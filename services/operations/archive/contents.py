"""The tar's first member: the contents of the backup, each file with its size and digest."""

import hashlib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from contracts.base import Timestamp
from contracts.envelope.publication import Head
from shared.errors import Refused

MANIFEST = "manifest.json"
MAX_MANIFEST = 1_048_576
Name = Annotated[str, StringConstraints(pattern=r"^(stores|keys)/[a-z][a-z_-]{0,40}(\.[a-z0-9_]{1,63})?$")]
Columns = Annotated[list[Annotated[str, StringConstraints(pattern=r"^[a-z_][a-z0-9_]{0,62}$")]], Field(min_length=1)]


class BadArchive(Refused):
    """The file is no backup of this program, incomplete, or not signed by a trusted key. Nothing was changed."""

    title = "Bad archive"


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


REVISION = r"^[0-9a-z_]{1,32}$"


class ArchivedFile(_Shape):
    """One file in the archive: its length in bytes, and the hex SHA-256 of its content."""

    size: int = Field(ge=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class Store(_Shape):
    """One service's store: its migration, its parts, and for PostgreSQL the columns of each table.

    `own_revision`: the migration of the tables in the folder of a channel, if it has any.
    """

    revision: str = Field(pattern=REVISION)
    own_revision: str | None = Field(default=None, pattern=REVISION, exclude_if=lambda value: value is None)
    parts: list[Name]
    columns: dict[str, Columns] = {}


class ArchiveManifest(_Shape):
    """The contents of an archive. `marks`: how far each store is; `head`: the newest signed head in the ledger's store.

    Format 1 is of versions that signed nothing; it contains neither origin nor county.
    """

    format: Literal[1, 2] = 2
    made_at: Timestamp
    version: str
    mode: Literal["sqlite", "postgresql"]
    region: str
    origin: str | None = None
    county: str | None = None
    head: Head | None
    marks: dict[str, int]
    stores: dict[str, Store]
    parts: dict[Name, ArchivedFile]

    @classmethod
    def read(cls, content: bytes) -> "ArchiveManifest":
        """Parse the manifest. Raises `BadArchive`."""
        try:
            manifest = cls.model_validate_json(content)
        except ValidationError as error:
            reasons = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:3])
            raise BadArchive(f"{MANIFEST}: {reasons}") from None
        named = {name for store in manifest.stores.values() for name in store.parts}
        if not named <= manifest.parts.keys():
            raise BadArchive(f"{MANIFEST}: parts: {min(named - manifest.parts.keys())} is not described")
        return manifest


def describe_parts(folder: Path) -> dict[str, ArchivedFile]:
    """Return a description of every file below `folder`, by its name in the archive."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): _part(path) for path in files}


def _part(path: Path) -> ArchivedFile:
    with path.open("rb") as file:
        return ArchivedFile(size=path.stat().st_size, sha256=hashlib.file_digest(file, "sha256").hexdigest())
