"""Takes a county's backup apart and puts it together again, with a valid signature or without."""

import io
import re
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path

from services.operations.archive import signed_file as archive
from services.operations.archive.header import Header
from services.operations.archive.key import own_key
from services.operations.archive.streams import Measured
from services.operations.backups.backup import BackupResult
from services.operations.backups.restore import Consent, restore
from shared.config import Settings

Contents = dict[str, bytes]


def silent(_what: str, _number: int) -> None:
    """A progress callback that ignores everything."""


def put_back(
    settings: Settings, file: Path, only: Sequence[str] = (), key: str | None = None, **consent: object
) -> BackupResult:
    """Restore a backup. `key`: the key that the operator trusts, else the one pinned in the folder."""
    return restore(settings, file, list(only), silent, Consent(key, **consent))  # type: ignore[arg-type]  # the test knows


def taken_apart(file: Path) -> tuple[Header | None, bytes]:
    """Return header and gzipped tar of an unencrypted backup."""
    content = file.read_bytes()
    if content.startswith(archive.GZIP):
        return None, content
    header = Header.read(content)
    return header, content[len(header.encoded()) :]


def contents(file: Path) -> Contents:
    """Return every member by name."""
    with tarfile.open(fileobj=io.BytesIO(taken_apart(file)[1])) as members:
        return {one.name: found.read() for one in members if (found := members.extractfile(one)) is not None}


def packed(parts: Contents, more: Sequence[tarfile.TarInfo] = ()) -> bytes:
    """Return a gzipped tar of these members; `more`: members without content, such as links."""
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w:gz") as members:
        for name, content in parts.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            members.addfile(member, io.BytesIO(content))
        for member in more:
            members.addfile(member)
    return sink.getvalue()


def signed(header: Header, payload: bytes, folder: Path) -> bytes:
    """Return the backup file that the county's own key in `folder` signs over this payload."""
    sink = io.BytesIO(payload)
    measured = Measured(sink)
    measured.read()
    private, _ = own_key(folder, header.origin)
    return header.signed(private, measured.size, measured.sha256.hexdigest()).encoded() + payload


def changed(file: Path, path: Path, change: Callable[[Contents], Contents], signer: Path) -> Path:
    """Write a backup with members altered by `change` and signed again with the key in `signer`.

    Only the county could make it; the restore must check what is behind the signature all the same.
    """
    header, _ = taken_apart(file)
    assert header is not None
    path.write_bytes(signed(header, packed(change(contents(file))), signer))
    return path


def as_of_before(parts: Contents) -> Contents:
    """Return the members as versions before signatures wrote them."""
    text = parts["manifest.json"].decode()
    text = re.sub(r'\n "(origin|county)":[^\n]*,', "", text).replace('"format": 2', '"format": 1')
    return parts | {"manifest.json": text.encode()}
