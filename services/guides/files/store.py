"""The bytes of files in the database of guides, by their SHA-256."""

import hashlib
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import PurePosixPath

from sqlmodel import Session, col, func, select

from contracts.base import Json, format_time
from contracts.content.files import FILE_TYPES, LONGEST_NAME, NAME
from contracts.content.guides import Guide
from services.guides.files.content_check import media_type_of
from services.guides.files.model import FileRow
from services.guides.files.refusal import OTHER_FACTS, UNKNOWN_FILE
from shared.audit.recording import AuditEntry, record
from shared.database.engine import Database
from shared.errors import Invalid, NoRoom, NotFound, Violation
from shared.publishing.reviews.roles import SAVING, require_role
from shared.tokens.person import Actor

MOST_BYTES = 4 * 1024**3
"""All files together. A county of 2,000 guides with three forms of 300 kB each has less than half."""

NO_NAME = "文件"
_UNWANTED = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]+')
_EXTENSION = re.compile(r"\.[A-Za-z0-9]{1,5}$")


class FileStore:
    """Files that people upload for guides. Each method is a transaction of its own."""

    def __init__(self, db: Database, most_bytes: int = MOST_BYTES) -> None:
        self._db, self._most_bytes = db, most_bytes

    def add(self, by: Actor, code: str, name: str, content: bytes) -> tuple[Json, bool]:
        """Store a file for the guide `code`; return what a guide states of it, and whether it is new.

        `name`: as the sender calls it; it gets the extension of what the bytes are. Raises `NotAllowed` for a person
        who may not write the guide, `Invalid` for a file that is not taken, `NoRoom` when all have too many bytes.
        """
        require_role(by, SAVING, [code])
        media_type = media_type_of(content)
        sha256 = hashlib.sha256(content).hexdigest()
        called = proper_name(name, media_type)
        now = format_time(datetime.now(UTC))
        with self._db.write() as session:
            row = session.get(FileRow, sha256, with_for_update=True)
            is_new = row is None
            if row is None:
                self._require_room(session, len(content))
                row = FileRow(
                    sha256=sha256,
                    media_type=media_type,
                    size=len(content),
                    name=called,
                    code=code,
                    uploaded_by=by.name,
                    uploaded_at=now,
                    content=content,
                )
            row.uploaded_at = now
            session.add(row)
            session.flush()
            # If the process dies before the commit, nothing is stored and the person uploads again. After it, the
            # bytes are kept although no draft names them yet; `FileUpkeep` removes them if none ever does.
            told = {"sha256": sha256, "media_type": media_type, "size": len(content)}
            record(session, by, AuditEntry("file_added", f"guide:{code}", None, told))
            return {**row.as_json(), "name": called}, is_new

    def content(self, sha256: str) -> tuple[bytes, str]:
        """Return bytes and media type. Raises `NotFound`."""
        with self._db.read() as session:
            row = session.get(FileRow, sha256)
            if row is None:
                raise NotFound("there is no such file")
            return row.content, row.media_type

    def _require_room(self, session: Session, size: int) -> None:
        held = session.exec(select(func.coalesce(func.sum(col(FileRow.size)), 0))).one()
        if held + size > self._most_bytes:
            raise NoRoom(f"the files have {held:,} of at most {self._most_bytes:,} bytes: ask an operator")


def require_stored(session: Session, guide: Guide) -> None:
    """Raises `Invalid` for each file that a guide names and that is not here, or is of another type or size.

    The rows stay locked until the transaction ends, so that none is removed before the guide is stored.
    """
    named = list(named_files(guide))
    if not named:
        return
    known = _locked_facts(session, {sha256 for _, sha256, _, _ in named})
    found = []
    for field, sha256, media_type, size in named:
        if sha256 not in known:
            found.append(Violation(field, UNKNOWN_FILE, "names a file that is not here: upload it again", sha256[:12]))
        elif known[sha256] != (media_type, size):
            remedy = f"states another type or size than the file has ({known[sha256][0]}, {known[sha256][1]} bytes)"
            found.append(Violation(field, OTHER_FACTS, f"{remedy}: take them from the answer to the upload"))
    if found:
        raise Invalid(*found)


def named_files(guide: Guide) -> Iterable[tuple[str, str, str, int]]:
    """Yield field, SHA-256, media type and size of each file that a guide names."""
    for index, material in enumerate(guide.materials or ()):
        for file in material.files or ():
            yield f"materials.{index}.files", file.sha256, file.media_type, file.size


def proper_name(name: str, media_type: str) -> str:
    """Return a name that every file system takes, with the extension of the type: `..\\表.exe` of a PDF is `表.pdf`."""
    extension = FILE_TYPES[media_type].extension
    bare = PurePosixPath(name.replace("\\", "/")).name
    bare = _EXTENSION.sub("", _UNWANTED.sub(" ", bare)).strip(" .")[: LONGEST_NAME - len(extension)].strip()
    made = f"{bare or NO_NAME}{extension}"
    return made if re.match(NAME, made) else f"{NO_NAME}{extension}"


def _locked_facts(session: Session, wanted: set[str]) -> dict[str, tuple[str, int]]:
    columns = (FileRow.sha256, FileRow.media_type, FileRow.size)
    query = select(*columns).where(col(FileRow.sha256).in_(sorted(wanted))).order_by(FileRow.sha256)
    return {row[0]: (row[1], row[2]) for row in session.exec(query.with_for_update(read=True))}
