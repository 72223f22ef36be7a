"""What a file is, by its bytes alone, and whether it may be handed out: its name and its sender's word do not count."""

from collections.abc import Callable, Mapping

from contracts.content.files import FILE_TYPES, LARGEST_FILE
from services.guides.files import image_check, office_check, pdf_check
from services.guides.files.refusal import ACTIVE, EMPTY, TOO_LARGE, UNKNOWN_TYPE, refused

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""Word and Excel before 2007 (.doc, .xls), and WPS: their macros cannot be told from the rest with certainty."""

PDF, PNG, JPEG = "application/pdf", "image/png", "image/jpeg"
TAKEN = "、".join(one.zh for one in FILE_TYPES.values())

Check = Callable[[bytes], str]
"""Returns the media type; raises `Invalid`."""


def _pdf(content: bytes) -> str:
    pdf_check.require_harmless(content)
    return PDF


def _png(content: bytes) -> str:
    image_check.require_whole_png(content)
    return PNG


def _jpeg(content: bytes) -> str:
    image_check.require_whole_jpeg(content)
    return JPEG


BEGINNINGS: Mapping[bytes, Check] = {
    b"%PDF-": _pdf,
    image_check.PNG_BEGINNING: _png,
    image_check.JPEG_BEGINNING: _jpeg,
    b"PK\x03\x04": office_check.media_type_of,
}


def media_type_of(content: bytes) -> str:
    """Return the media type of a file that may be handed out; a key of `FILE_TYPES`.

    Raises `Invalid` with field `file` for an empty or too large one, another type, a damaged file, and for one that
    does something when it is opened.
    """
    if not content:
        raise refused(EMPTY, "the file is empty: choose it again")
    if len(content) > LARGEST_FILE:
        raise refused(
            TOO_LARGE, f"the file has {len(content):,} bytes, and {LARGEST_FILE:,} are taken: make it smaller"
        )
    if content.startswith(OLE):
        remedy = "its macros cannot be told from the rest: save it as .docx, .xlsx or PDF"
        raise refused(ACTIVE, f"a file of Word or Excel before 2007 is not taken, because {remedy}")
    check = next((one for beginning, one in BEGINNINGS.items() if content.startswith(beginning)), None)
    if check is None:
        known = ", ".join(one.extension for one in FILE_TYPES.values())
        raise refused(UNKNOWN_TYPE, f"its bytes are of none of the types that are taken: {known}")
    return check(content)
