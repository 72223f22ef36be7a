"""What a file is, by its first bytes and not by its name: a workbook, text, or something foreign with a remedy."""

from enum import StrEnum
from pathlib import Path

from services.importing.formats.rows import opened, refused
from services.importing.formats.xlsx_reading import BOUNDS
from shared.errors import NotFound
from shared.text.workbooks import ZIP_MAGIC, Damaged, parts_of, require_packed

_BEGINNING = 4096


class FileKind(StrEnum):
    """How a file is read."""

    XLSX = "xlsx"
    XLS = "xls"
    TEXT = "text"


_SAVE = "open it in Excel or WPS and save it as .xlsx"
_MAGIC = {
    b"%PDF": "a PDF document: ask for the table it was made from",
    b"\x89PNG": "a picture (PNG): ask for the table that it shows",
    b"\xff\xd8\xff": "a picture (JPEG): ask for the table that it shows",
    b"GIF8": "a picture (GIF): ask for the table that it shows",
    b"BM": "a picture (BMP): ask for the table that it shows",
    b"Rar!": "an archive (RAR): unpack it and import the table in it",
    b"7z\xbc\xaf": "an archive (7-Zip): unpack it and import the table in it",
    b"\x1f\x8b": "compressed (gzip): unpack it first",
    b"{\\rtf": "a text document (RTF): copy its table into Excel or WPS and save it as .xlsx",
    b"\xff\xfe": f"text in UTF-16 (Unicode text): {_SAVE}",
    b"\xfe\xff": f"text in UTF-16 (Unicode text): {_SAVE}",
    b"SQLite format 3": "a database (SQLite): export the table as CSV",
}
_MARKUP = {
    b"urn:schemas-microsoft-com:office:spreadsheet": f"a table of Excel 2003 in XML: {_SAVE}",
    b"<html": f"a web page (HTML) with the name of a table, as some systems export: {_SAVE}",
    b"<!doctype html": f"a web page (HTML) with the name of a table, as some systems export: {_SAVE}",
    b"<table": f"a web page (HTML) with the name of a table, as some systems export: {_SAVE}",
    b"mime-version:": f"a saved web page (MHTML): {_SAVE}",
    b"<?xml": "an XML document: ask for the data as a table or as JSON Lines",
}
_ZIPPED = {
    "word/": "a Word document (.docx): copy its table into Excel or WPS and save it as .xlsx",
    "ppt/": "a presentation (.pptx): copy its table into Excel or WPS and save it as .xlsx",
    "xl/workbook.bin": f"a binary workbook (.xlsb): {_SAVE}",
    "content.xml": f"a table or text of OpenDocument (.ods, .odt): {_SAVE}",
}
_OLE = {
    "EncryptedPackage": "a workbook with a password: remove the password in Excel or WPS and save it again",
    "WordDocument": "a Word document (.doc): copy its table into Excel or WPS and save it as .xlsx",
    "PowerPoint Document": "a presentation (.ppt): copy its table into Excel or WPS and save it as .xlsx",
}
_OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def kind_of(path: Path, largest: int) -> FileKind:
    """Return how to read a table. Raises `Invalid`, with one sentence that says what the file seems to be; `NotFound`,
    `TooLarge`.
    """
    if not path.is_file():
        raise NotFound(f"{path.name}: the file does not exist")
    with path.open("rb") as file:
        beginning = file.read(_BEGINNING)
    if beginning.startswith(ZIP_MAGIC):
        return _of_zip(path)
    if beginning.startswith(_OLE_MAGIC):
        require_packed(path, path.name, BOUNDS)
        return _of_ole(path)
    for magic, what in _MAGIC.items():
        if beginning.startswith(magic):
            raise _foreign(path, what)
    lower = beginning.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    for word, what in _MARKUP.items():
        if lower.startswith(word) or (word in lower and lower.startswith((b"<", b"mime-version:"))):
            raise _foreign(path, what)
    if lower.startswith((b'{"', b"[{", b"[\n", b"{\n")):
        raise _foreign(path, "JSON, not a table: import it with --format up-task or --format gd-portal")
    opened(path, largest).close()
    return FileKind.TEXT


def _foreign(path: Path, what: str) -> Exception:
    return refused(path, f"this seems to be {what}")


def _of_zip(path: Path) -> FileKind:
    try:
        names = parts_of(path, path.name, BOUNDS)
    except Damaged:
        raise _foreign(path, f"a damaged workbook or archive: {_SAVE}") from None
    for begin, what in _ZIPPED.items():
        if any(name.startswith(begin) for name in names):
            raise _foreign(path, what)
    if "xl/workbook.xml" not in names:
        raise _foreign(path, "an archive (ZIP): unpack it and import the table in it")
    return FileKind.XLSX


def _of_ole(path: Path) -> FileKind:
    with path.open("rb") as file:
        content = file.read(BOUNDS.packed)
    for name, what in _OLE.items():
        if name.encode("utf-16-le") in content:
            raise _foreign(path, what)
    if "Workbook".encode("utf-16-le") in content or "Book".encode("utf-16-le") in content:
        return FileKind.XLS
    raise _foreign(path, f"an old Office document without a table: {_SAVE}")
