"""The file of a backup: written completely or not at all; checked completely before any of it is unpacked."""

import gzip
import hashlib
import io
import os
import shutil
import tarfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.operations.archive.contents import MANIFEST, MAX_MANIFEST, ArchivedFile, ArchiveManifest, BadArchive
from services.operations.archive.encryption import Identity, Recipient, decrypted, encrypt
from services.operations.archive.header import LONGEST, MAGIC, Header
from services.operations.archive.staging import staging
from services.operations.archive.streams import Bounded, Measured
from shared.errors import Unavailable
from shared.transparency.checkpoint import NoteKey

CHUNK = 1_048_576
GZIP = b"\x1f\x8b"
LONGEST_NAME = 64 * 1024
OVERHEAD = 16 * 1024
"""Bytes that tar may use for one member beside its content: headers and the padding of its last block."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A file whose every byte is signed by a trusted key. `header` is None for one made before signatures."""

    file: Path
    header: Header | None
    identities: Sequence[Identity] = ()


def write(
    target: Path,
    manifest: ArchiveManifest,
    folder: Path,
    header: Header,
    key: Ed25519PrivateKey,
    to: Sequence[Recipient] = (),
) -> Header:
    """Write and sign the archive of `folder`; return its header. `to`: encrypt it to these recipients only.

    The file is readable by this user only, and on disk before it gets its name: if the process dies, `target` is the
    old file or the new one. Replaces `target`. Raises OSError.
    """
    with staging(target.parent) as aside:
        fresh = aside / "archive"
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(header.encoded())
            payload = Measured(file)
            if to:
                encrypt(lambda sink: _pack(sink, manifest, folder), cast("IO[bytes]", payload), to)
            else:
                _pack(cast("IO[bytes]", payload), manifest, folder)
            signed = header.signed(key, payload.size, payload.sha256.hexdigest())
            file.seek(0)
            file.write(signed.encoded())
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(target)
        sync_folder(target.parent)
    return signed


def check(file: Path, trusted: Sequence[NoteKey], *, unsigned: bool = False) -> Checked:
    """Read the file once to its end, and check that a trusted key has signed every byte of it.

    `unsigned`: accept an archive from before signatures. Raises `BadArchive`, which says what is missing.
    """
    try:
        with file.open("rb") as source:
            header = _header(source.read(LONGEST), unsigned=unsigned)
            if header is not None:
                _require_trusted_key(header.key, trusted)
                header.require_signature()
                source.seek(len(header.encoded()))
                _require_signed_content(Measured(source), header)
    except BadArchive as error:
        raise BadArchive(f"{file.name}: {error}") from None
    except OSError as error:
        raise BadArchive(f"{file.name}: {error.strerror or error}") from error
    return Checked(file, header)


def read_manifest(checked: Checked) -> ArchiveManifest:
    """Read only the manifest. Raises `BadArchive`."""
    with _opened(checked) as (_, _, members):
        return _manifest(members, checked.header)


def unpack(checked: Checked, folder: Path) -> ArchiveManifest:
    """Unpack every part into `folder`, comparing each with the manifest. Raises `BadArchive`, `Unavailable` (no room).

    The bytes are compared with the signature again, because others may have been able to change the file meanwhile.
    """
    with _opened(checked) as (raw, plain, members):
        manifest = _manifest(members, checked.header)
        _require_room(manifest.parts, folder)
        plain.allow(sum(part.size + OVERHEAD for part in manifest.parts.values()))
        left = dict(manifest.parts)
        while (member := members.next()) is not None:
            part = left.pop(member.name, None)
            if part is None:
                raise BadArchive(
                    f"contains {member.name[:80]!r}, which its manifest does not name or which occurs twice"
                )
            _unpack_part(members, member, part, folder / member.name)
        if left:
            raise BadArchive(f"{min(left)} is missing")
        while plain.read(CHUNK):
            pass
        if checked.header is not None:
            _require_signed_content(raw, checked.header)
    return manifest


def sync_folder(folder: Path) -> None:
    """Flush a folder's entries to disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _header(beginning: bytes, *, unsigned: bool) -> Header | None:
    """Return the header, or None for an accepted archive from before signatures."""
    if beginning.startswith(MAGIC):
        return Header.read(beginning)
    if not beginning.startswith(GZIP):
        raise BadArchive("is not a complete backup: its beginning is not that of a backup file")
    if not unsigned:
        raise BadArchive(
            "is not signed: it is from a version before signatures or another maker. If you know that nobody could "
            "change it: --unsigned"
        )
    return None


def _require_trusted_key(key: NoteKey, trusted: Sequence[NoteKey]) -> None:
    if not trusted:
        raise BadArchive(
            f"is signed by {key.vkey}, and no key for backups is known here: --key states which one to trust, as the "
            "county's own papers have it"
        )
    if key not in trusted:
        known = ", ".join(one.vkey for one in trusted)
        raise BadArchive(f"is signed by {key.vkey}, which is not trusted here: only {known} (--key names another)")


def _require_signed_content(payload: Measured, header: Header) -> None:
    """Read to the end of the payload and compare it with the header. Raises `BadArchive`."""
    while payload.read(CHUNK):
        pass
    if payload.size != header.size:
        raise BadArchive(f"has {payload.size} bytes after its header, but {header.size} are signed: it is not complete")
    if payload.sha256.hexdigest() != header.sha256:
        raise BadArchive("its content does not match its signature: it was changed after it was made")


@contextmanager
def _opened(checked: Checked) -> Iterator[tuple[Measured, Bounded, tarfile.TarFile]]:
    """Yield the raw payload, the unpacked stream, and the tar in it. Raises `BadArchive` for any error in them."""
    try:
        with checked.file.open("rb") as source:
            if checked.header is not None:
                source.seek(len(checked.header.encoded()))
            raw = Measured(source)
            with (
                _decrypted(checked, cast("IO[bytes]", raw)) as packed,
                gzip.GzipFile(fileobj=packed, mode="rb") as unpacked,
            ):
                plain = Bounded(cast("IO[bytes]", unpacked), MAX_MANIFEST + OVERHEAD)
                with tarfile.open(fileobj=cast("IO[bytes]", plain), mode="r|", tarinfo=_Member) as members:
                    yield raw, plain, members
    except BadArchive as error:
        raise BadArchive(f"{checked.file.name}: {error}") from error
    except (tarfile.TarError, EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise BadArchive(
            f"{checked.file.name}: is not a complete backup: {str(error) or type(error).__name__}"
        ) from error


@contextmanager
def _decrypted(checked: Checked, raw: IO[bytes]) -> Iterator[IO[bytes]]:
    if checked.header is None or checked.header.payload == "gzip":
        yield raw
        return
    if not checked.identities:
        raise BadArchive("is encrypted: name the file with its private key with --identity")
    with decrypted(raw, checked.identities) as plain:
        yield plain


class _Member(tarfile.TarInfo):
    """A member whose own headers are short: tar would read a long one into memory before it can be checked."""

    LONG = tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> "_Member":
        member = super().frombuf(buf, encoding, errors)
        if member.type in cls.LONG and member.size > LONGEST_NAME:
            raise BadArchive(f"contains a name of {member.size} bytes")
        return member


def _manifest(members: tarfile.TarFile, header: Header | None) -> ArchiveManifest:
    first = members.next()
    content = None if first is None or first.name != MANIFEST or not first.isreg() else members.extractfile(first)
    if first is None or content is None or first.size > MAX_MANIFEST:
        raise BadArchive(f"does not begin with {MANIFEST}: it is not a backup")
    manifest = ArchiveManifest.read(content.read())
    if manifest.format != (1 if header is None else 2):
        raise BadArchive(f"{MANIFEST}: has format {manifest.format}: a signature was removed or added later")
    if header is not None and (manifest.region, manifest.origin) != (header.region, header.origin):
        raise BadArchive(
            f"{MANIFEST}: belongs to {manifest.region} {manifest.origin}, but the header to another county"
        )
    return manifest


def _unpack_part(members: tarfile.TarFile, member: tarfile.TarInfo, part: ArchivedFile, target: Path) -> None:
    content = members.extractfile(member) if member.isreg() else None
    if content is None or member.size != part.size:
        raise BadArchive(f"{member.name}: has {member.size} bytes, but the manifest says {part.size}")
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = hashlib.sha256()
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        while chunk := content.read(CHUNK):
            found.update(chunk)
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    if found.hexdigest() != part.sha256:
        raise BadArchive(f"{member.name}: its content does not match its digest")


def _pack(sink: IO[bytes], manifest: ArchiveManifest, folder: Path) -> None:
    with (
        gzip.GzipFile(fileobj=sink, mode="wb", compresslevel=6, mtime=0) as packed,
        tarfile.open(fileobj=cast("IO[bytes]", packed), mode="w|", format=tarfile.PAX_FORMAT) as members,
    ):
        content = manifest.model_dump_json(indent=1).encode()
        _add(members, MANIFEST, len(content), io.BytesIO(content))
        for name, part in manifest.parts.items():
            with (folder / name).open("rb") as file:
                _add(members, name, part.size, file)


def _add(members: tarfile.TarFile, name: str, size: int, content: IO[bytes]) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o600
    members.addfile(member, content)


def _require_room(parts: Mapping[str, ArchivedFile], folder: Path) -> None:
    needed, free = sum(part.size for part in parts.values()), shutil.disk_usage(folder).free
    if needed > free:
        raise Unavailable(f"{folder}: the backup needs {needed // 2**20 + 1} MiB, but {free // 2**20} are free")
