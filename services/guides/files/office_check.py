"""Word and Excel (.docx, .xlsx; ECMA-376): refused with macros, embedded objects, or parts loaded from afar."""

import re
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from io import BytesIO
from typing import Any
from xml.parsers import expat

from services.guides.files.refusal import ACTIVE, DAMAGED, LOCKED, PERSONAL, UNKNOWN_TYPE, refused
from shared.security.privacy import holds_resident_id

CONTENT_TYPES = "[Content_Types].xml"
_OFFICE = "application/vnd.openxmlformats-officedocument"
DOCX, XLSX = f"{_OFFICE}.wordprocessingml.document", f"{_OFFICE}.spreadsheetml.sheet"
MAIN_PARTS: Mapping[str, str] = {f"{DOCX}.main+xml": DOCX, f"{XLSX}.main+xml": XLSX}
UNREADABLE = (
    zipfile.BadZipFile, zlib.error, struct.error, NotImplementedError, RuntimeError, EOFError, OSError, ValueError
)  # fmt: skip
"""What zipfile raises for a damaged archive."""

MOST_PARTS, MOST_UNPACKED = 2_000, 64 * 1024 * 1024
_ENCRYPTED_FLAG = 0x1
_END_OF_ARCHIVE = b"PK\x05\x06"
_END_LENGTH = 22

_ACTING_TYPE = re.compile(r"macro|vba|activex|oleobject|externallink", re.IGNORECASE)
_ACTING_PART = re.compile(
    r"vba|macro|activex|/embeddings/|oleobject|externallinks?/|dialogsheets/|customui|webextension", re.IGNORECASE
)
_LINK_ONLY = re.compile(r"/hyperlink$", re.IGNORECASE)
_DDE = re.compile(r"\bDDE(AUTO)?\b", re.IGNORECASE)
_TEXT_PART = re.compile(
    r"word/(document|header\d*|footer\d*|footnotes|endnotes|comments)\.xml|xl/(sharedStrings|worksheets/[^/]+)\.xml"
)
_ENDS_A_TEXT = frozenset({"p", "si", "c", "is"})
_TEXT, _FIELD, _SIMPLE_FIELD = "t", "instrText", "fldSimple"


def media_type_of(content: bytes) -> str:
    """Return the media type of a document or workbook. Raises `Invalid` for another archive, and for what acts."""
    _require_nothing_around(content)
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            parts = dict(_parts(archive))
    except UNREADABLE as error:
        raise refused(DAMAGED, f"the file cannot be unpacked ({type(error).__name__}): save it again") from None
    found = _main_type(parts)
    for name, part in parts.items():
        if _ACTING_PART.search(f"/{name}"):
            raise _acting(name)
        if name.endswith(".rels"):
            _require_own_parts(name, part)
        if _TEXT_PART.fullmatch(name):
            _require_plain_text(name, part)
    return found


def _require_nothing_around(content: bytes) -> None:
    """An archive is read from its end: what stands behind it would belong to another file, such as a page."""
    place = content.rfind(_END_OF_ARCHIVE)
    comment = int.from_bytes(content[place + _END_LENGTH - 2 : place + _END_LENGTH], "little")
    if place < 0 or place + _END_LENGTH + comment != len(content) or comment:
        raise refused(DAMAGED, "the file does not end as a document of Office: save it again")


def _parts(archive: zipfile.ZipFile) -> Iterator[tuple[str, bytes]]:
    infos = archive.infolist()
    if len(infos) > MOST_PARTS or sum(one.file_size for one in infos) > MOST_UNPACKED:
        raise refused(DAMAGED, f"the file unpacks to more than {MOST_UNPACKED:,} bytes: save it with less in it")
    if not all(one.filename for one in infos):
        raise refused(DAMAGED, "the file has a part without a name: save it again")
    if len({one.filename.lower() for one in infos}) != len(infos):
        raise refused(DAMAGED, "the file has two parts of one name: save it again")
    for one in infos:
        if one.flag_bits & _ENCRYPTED_FLAG:
            raise refused(LOCKED, "the file has a password: save it without one")
        if not one.is_dir():
            # zipfile reads no more than `file_size`, and checks the checksum.
            yield one.filename.replace("\\", "/"), archive.read(one)


def _main_type(parts: Mapping[str, bytes]) -> str:
    if CONTENT_TYPES not in parts:
        raise refused(UNKNOWN_TYPE, "it is an archive, and neither .docx nor .xlsx: unpack it and choose one file")
    types = [str(given.get("ContentType", "")) for _, given in _elements(CONTENT_TYPES, parts[CONTENT_TYPES])]
    if acting := next((one for one in types if _ACTING_TYPE.search(one)), None):
        raise _acting(acting)
    mains = {MAIN_PARTS[one] for one in types if one in MAIN_PARTS}
    if len(mains) != 1:
        raise refused(UNKNOWN_TYPE, "it is a file of Office, and neither .docx nor .xlsx: save it as one of them")
    return mains.pop()


def _require_own_parts(name: str, part: bytes) -> None:
    """Links that a reader clicks are fine. Templates, pictures and objects loaded from afar are not."""
    for _, given in _elements(name, part):
        kind = str(given.get("Type", ""))
        if str(given.get("TargetMode", "")).lower() == "external" and not _LINK_ONLY.search(kind):
            raise _acting(f"{name}: {kind.rpartition('/')[2]} from another address")


def _require_plain_text(name: str, part: bytes) -> None:
    """Raises `Invalid` for a field that starts another program, and for a resident ID number."""
    words, fields = _texts(name, part)
    if _DDE.search(fields):
        raise _acting(f"{name}: DDE")
    if holds_resident_id(words):
        remedy = "a sample is filled in with invented words, and numbers such as 1×××××××××××××××××"
        raise refused(PERSONAL, f"{name} holds a resident ID number: {remedy}")


def _texts(name: str, part: bytes) -> tuple[str, str]:
    """Return the text of a part, and the instructions of its fields."""
    words: list[str] = []
    fields: list[str] = []
    inside: list[str] = []
    parser = _parser()

    def start(tag: str, given: dict[str, str]) -> None:
        inside.append(_bare(tag))
        if inside[-1] == _SIMPLE_FIELD:
            fields.extend(f" {value} " for value in given.values())

    def end(tag: str) -> None:
        inside.pop()
        if _bare(tag) in _ENDS_A_TEXT:
            words.append("\n")

    def text(data: str) -> None:
        if inside and inside[-1] == _FIELD:
            fields.append(data)
        elif inside and inside[-1] in (_TEXT, "v"):
            words.append(data)

    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, text
    _parse(parser, name, part)
    return "".join(words), "".join(fields)


def _elements(name: str, part: bytes) -> list[tuple[str, dict[str, Any]]]:
    """Return every element of a part with its attributes."""
    found: list[tuple[str, dict[str, Any]]] = []
    parser = _parser()
    parser.StartElementHandler = lambda tag, given: found.append((_bare(tag), given))
    _parse(parser, name, part)
    return found


def _parser() -> expat.XMLParserType:
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = _no_doctype
    return parser


def _no_doctype(*_declared: Any) -> None:
    raise refused(ACTIVE, "a part of the file declares a document type, which Office never writes: save it again")


def _parse(parser: expat.XMLParserType, name: str, part: bytes) -> None:
    try:
        parser.Parse(part, True)
    except expat.ExpatError as error:
        raise refused(DAMAGED, f"{name} is no XML ({error}): save the file again") from None


def _bare(tag: str) -> str:
    return tag.rpartition(":")[2]


def _acting(what: str) -> Exception:
    return refused(ACTIVE, f"the file holds active content ({what[:120]}): save it as .docx or .xlsx without macros")
