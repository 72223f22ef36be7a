"""PNG and JPEG: walked from the first byte to the last, so that nothing stands before, between or behind."""

import zlib

from services.guides.files.refusal import DAMAGED, refused

PNG_BEGINNING = b"\x89PNG\r\n\x1a\n"
JPEG_BEGINNING = b"\xff\xd8\xff"
LONGEST_SIDE = 20_000
"""Pixels. A file of few bytes may unpack to a picture that fills a reader's memory."""

_CHUNK_FRAME = 12
_SOI, _EOI, _SOS = 0xD8, 0xD9, 0xDA
_ALONE = frozenset({0x01, *range(0xD0, 0xD8)})
"""Markers of JPEG without a length."""
_SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Markers of a frame: height and width."""


def require_whole_png(content: bytes) -> None:
    """Raises `Invalid` unless the file is the chunks of one PNG, from IHDR to IEND, and nothing else."""
    place = len(PNG_BEGINNING)
    kinds: list[bytes] = []
    while place + _CHUNK_FRAME <= len(content):
        length = int.from_bytes(content[place : place + 4])
        kind, data = content[place + 4 : place + 8], content[place + 8 : place + 8 + length]
        place += _CHUNK_FRAME + length
        if place > len(content) or zlib.crc32(kind + data) != int.from_bytes(content[place - 4 : place]):
            break
        if not kinds and kind == b"IHDR":
            _require_size(int.from_bytes(data[:4]), int.from_bytes(data[4:8]))
        kinds.append(kind)
        if kind == b"IEND":
            break
    if not kinds or (kinds[0], kinds[-1]) != (b"IHDR", b"IEND") or b"IDAT" not in kinds or place != len(content):
        raise _damaged("PNG")


def require_whole_jpeg(content: bytes) -> None:
    """Raises `Invalid` unless the file is the segments of one JPEG, from SOI to EOI, and nothing else."""
    place, sized = 2, False
    while place + 2 <= len(content) and content[place] == 0xFF:
        marker = content[place + 1]
        if marker == 0xFF:
            place += 1
            continue
        place += 2
        if marker == _EOI:
            if not sized or place != len(content):
                break
            return
        if marker in _ALONE:
            continue
        length = int.from_bytes(content[place : place + 2])
        if marker in _SIZES:
            _require_size(
                int.from_bytes(content[place + 5 : place + 7]), int.from_bytes(content[place + 3 : place + 5])
            )
            sized = True
        place += length
        if length < 2 or marker == _SOI:
            break
        if marker == _SOS:
            place = _behind_scan(content, place)
    raise _damaged("JPEG")


def _behind_scan(content: bytes, place: int) -> int:
    """Return where the next marker stands: in the data of a scan, FF is followed by 00 or a restart marker."""
    while (place := content.find(b"\xff", place)) >= 0 and place + 1 < len(content):
        if content[place + 1] != 0 and content[place + 1] not in _ALONE:
            return place
        place += 2
    return len(content)


def _require_size(width: int, height: int) -> None:
    if not (0 < width <= LONGEST_SIDE and 0 < height <= LONGEST_SIDE):
        raise refused(DAMAGED, f"the picture has {width} × {height} pixels; {LONGEST_SIDE} are the most on a side")


def _damaged(kind: str) -> Exception:
    return refused(DAMAGED, f"it begins like a {kind} and is none from beginning to end: export it again")
