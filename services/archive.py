"""A backup's file: one gzipped tar. Its first member is the manifest, which names every other with size and digest."""

import gzip
import hashlib
import io
import os
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from contracts.base import Timestamp
from contracts.publication import Head
from shared.errors import Refused, Unavailable

MANIFEST = "manifest.json"
MAX_MANIFEST = 1_048_576
CHUNK = 1_048_576
Name = Annotated[str, StringConstraints(pattern=r"^(stores|keys)/[a-z][a-z_-]{0,40}(\.[a-z0-9_]{1,63})?$")]
Columns = Annotated[list[Annotated[str, StringConstraints(pattern=r"^[a-z_][a-z0-9_]{0,62}$")]], Field(min_length=1)]


class BadArchive(Refused):
    """The file is no backup of ours, or not whole. Nothing was changed."""

    title = "Bad archive"


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Part(_Shape):
    """One file in the archive: its length in bytes, and hex SHA-256 of its content."""

    size: int = Field(ge=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class Store(_Shape):
    """One service's store: the migration it is at, its parts, and for PostgreSQL the columns of each table."""

    revision: str = Field(pattern=r"^[0-9a-z_]{1,32}$")
    parts: list[Name]
    columns: dict[str, Columns] = {}


class Manifest(_Shape):
    """What the archive holds. `marks`: how far each store is, `head`: the newest signed head of the ledger in it."""

    format: Literal[1] = 1
    made_at: Timestamp
    version: str
    mode: Literal["sqlite", "postgresql"]
    region: str
    head: Head | None
    marks: dict[str, int]
    stores: dict[str, Store]
    parts: dict[Name, Part]


def described(folder: Path) -> dict[str, Part]:
    """Every file below `folder` by its name in the archive."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): _part(path) for path in files}


def write(target: Path, manifest: Manifest, folder: Path) -> None:
    """Write the archive: readable by us alone, whole on the disk before it has its name. Replaces `target`."""
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            with gzip.GzipFile(fileobj=file, mode="wb", compresslevel=6, mtime=0) as packed:
                _write_members(packed, manifest, folder)  # type: ignore[arg-type]  # it writes like any file
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(target)
        sync_folder(target.parent)
    finally:
        Path(name).unlink(missing_ok=True)


def read_manifest(file: Path) -> Manifest:
    """The manifest alone. Raises `BadArchive`."""
    with _opened(file) as (_, members):
        return _manifest(members)


def unpack(file: Path, folder: Path) -> Manifest:
    """Every part into `folder`, each compared with the manifest. Raises `BadArchive`, `Unavailable` (no room)."""
    with _opened(file) as (packed, members):
        manifest = _manifest(members)
        _require_room(manifest.parts, folder)
        left = dict(manifest.parts)
        while (member := members.next()) is not None:
            part = left.pop(member.name, None)
            if part is None:
                raise BadArchive(f"{file.name}: holds {member.name[:80]!r}, which its manifest does not name, or twice")
            _unpack_part(members, member, part, folder / member.name)
        if left:
            raise BadArchive(f"{file.name}: {min(left)} is missing")
        while packed.read(CHUNK):
            pass
    return manifest


def sync_folder(folder: Path) -> None:
    """Let the names in a folder reach the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _opened(file: Path) -> Iterator[tuple[IO[bytes], tarfile.TarFile]]:
    """The tar as a stream. Whatever is wrong with it is a `BadArchive`; the length of `file` bounds no memory."""
    try:
        with gzip.open(file, "rb") as packed, tarfile.open(fileobj=packed, mode="r|") as members:
            yield packed, members  # type: ignore[misc]  # a GzipFile reads like any file
    except (tarfile.TarError, EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise BadArchive(f"{file.name}: is no whole backup: {str(error) or type(error).__name__}") from error
    except OSError as error:
        raise BadArchive(f"{file.name}: {error.strerror or error}") from error


def _manifest(members: tarfile.TarFile) -> Manifest:
    first = members.next()
    content = None if first is None or first.name != MANIFEST else members.extractfile(first)
    if first is None or content is None or first.size > MAX_MANIFEST:
        raise BadArchive(f"does not begin with {MANIFEST}: it is no backup of ours")
    try:
        manifest = Manifest.model_validate_json(content.read())
    except ValidationError as error:
        reasons = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:3])
        raise BadArchive(f"{MANIFEST}: {reasons}") from None
    named = {name for store in manifest.stores.values() for name in store.parts}
    if not named <= manifest.parts.keys():
        raise BadArchive(f"{MANIFEST}: parts: {min(named - manifest.parts.keys())} is not described")
    return manifest


def _unpack_part(members: tarfile.TarFile, member: tarfile.TarInfo, part: Part, target: Path) -> None:
    content = members.extractfile(member) if member.isreg() else None
    if content is None or member.size != part.size:
        raise BadArchive(f"{member.name}: is {member.size} bytes, the manifest says {part.size}")
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = hashlib.sha256()
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        while chunk := content.read(CHUNK):
            found.update(chunk)
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    if found.hexdigest() != part.sha256:
        raise BadArchive(f"{member.name}: its content does not fit its digest")


def _write_members(packed: IO[bytes], manifest: Manifest, folder: Path) -> None:
    with tarfile.open(fileobj=packed, mode="w|", format=tarfile.PAX_FORMAT) as members:
        content = manifest.model_dump_json(indent=1).encode()
        _add(members, MANIFEST, len(content), io.BytesIO(content))
        for name, part in manifest.parts.items():
            with (folder / name).open("rb") as file:
                _add(members, name, part.size, file)


def _add(members: tarfile.TarFile, name: str, size: int, content: IO[bytes]) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o600
    members.addfile(member, content)


def _part(path: Path) -> Part:
    with path.open("rb") as file:
        return Part(size=path.stat().st_size, sha256=hashlib.file_digest(file, "sha256").hexdigest())


def _require_room(parts: Mapping[str, Part], folder: Path) -> None:
    needed, free = sum(part.size for part in parts.values()), shutil.disk_usage(folder).free
    if needed > free:
        raise Unavailable(f"{folder}: the backup needs {needed // 2**20 + 1} MiB, {free // 2**20} are free")
