"""Small real files: forms and samples as people make them, and the same with something in them that acts."""

import io
import zipfile
import zlib
from collections.abc import Mapping

from openpyxl import Workbook

from services.guides.files.office_check import CONTENT_TYPES, DOCX

WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
RELATIONSHIPS = "http://schemas.openxmlformats.org/package/2006/relationships"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
JPEG = bytes.fromhex(
    "ffd8ffdb004300030202020202030202020303030304060404040404080606050609080a0a090809090a0c0f0c0a0b0e0b09090d110d0e0f"
    "101011100a0c12131210130f101010ffc9000b080001000101011100ffcc000600101005ffda0008010100003f00d2cf20ffd9"
)
"""A picture of one pixel."""


CID_FONT = (
    b"<</Type/Font/Subtype/CIDFontType0/BaseFont/STSong-Light/FontDescriptor 7 0 R"
    b"/CIDSystemInfo<</Registry(Adobe)/Ordering(GB1)/Supplement 4>>>>"
)
FONT_DESCRIPTOR = (
    b"<</Type/FontDescriptor/FontName/STSong-Light/Flags 6/FontBBox[-25 -254 1000 880]/ItalicAngle 0/Ascent 880"
    b"/Descent -120/CapHeight 880/StemV 93>>"
)


def pdf(title: str = "居民身份证申领登记表", more: bytes = b"", catalog: bytes = b"") -> bytes:
    """Return a PDF of one page. `more`: objects after the others; `catalog`: entries of the document's root."""
    hexed = title.encode("utf-16-be").hex().encode()
    drawn = zlib.compress(b"BT /F1 20 Tf 72 760 Td <" + hexed + b"> Tj ET")
    objects = [
        b"<</Type/Catalog/Pages 2 0 R" + catalog + b">>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d/Filter/FlateDecode>>stream\n%s\nendstream" % (len(drawn), drawn),
        b"<</Type/Font/Subtype/Type0/BaseFont/STSong-Light/Encoding/UniGB-UCS2-H/DescendantFonts[6 0 R]>>",
        CID_FONT,
        FONT_DESCRIPTOR,
    ]
    made, places = bytearray(b"%PDF-1.5\n%\xe2\xe3\xcf\xd3\n"), []
    for number, one in enumerate(objects, 1):
        places.append(len(made))
        made += b"%d 0 obj\n%s\nendobj\n" % (number, one)
    made += more
    start = len(made)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    made += b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(objects) + 1, table)
    made += b"trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    return bytes(made)


def packed_objects(inner: bytes, dictionary: bytes = b"/Filter/FlateDecode") -> bytes:
    """Return an object stream that holds `inner`, as PDF 1.5 packs objects."""
    packed = zlib.compress(inner)
    head = b"<</Type/ObjStm/N 1/First 4/Length %d%s>>" % (len(packed), dictionary)
    return b"9 0 obj\n%sstream\n%s\nendstream\nendobj\n" % (head, packed)


def docx(text: str = "申请书", parts: Mapping[str, bytes] | None = None, main: str = f"{DOCX}.main+xml") -> bytes:
    """Return a Word document of one paragraph. `parts`: other parts, which may replace these."""
    document = f'<w:document xmlns:w="{WORD}"><w:body><w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:body></w:document>'
    types = (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/word/document.xml" ContentType="{main}"/></Types>'
    )
    root = f'<Relationships xmlns="{RELATIONSHIPS}"><Relationship Id="r1" Type="{OFFICE}/officeDocument"'
    given = {
        CONTENT_TYPES: types.encode(),
        "_rels/.rels": f'{root} Target="word/document.xml"/></Relationships>'.encode(),
        "word/document.xml": document.encode(),
        **(parts or {}),
    }
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in given.items():
            archive.writestr(zipfile.ZipInfo(name, (2026, 3, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)
    return made.getvalue()


def external(kind: str) -> dict[str, bytes]:
    """Return a part that relates the document to something at another address."""
    one = f'<Relationship Id="r9" Type="{OFFICE}/{kind}" Target="https://example.com/x" TargetMode="External"/>'
    text = f'<Relationships xmlns="{RELATIONSHIPS}">{one}</Relationships>'
    return {"word/_rels/document.xml.rels": text.encode()}


def xlsx(*cells: str) -> bytes:
    """Return a workbook with these cells."""
    book = Workbook()
    book.active.append(list(cells) or ["姓名"])
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()


def png(width: int = 1, height: int = 1) -> bytes:
    """Return a picture of one grey pixel, whatever size it claims."""
    head = width.to_bytes(4) + height.to_bytes(4) + b"\x08\x00\x00\x00\x00"
    data = zlib.compress(b"\x00\x80")
    return b"\x89PNG\r\n\x1a\n" + b"".join(map(_chunk, (b"IHDR", b"IDAT", b"IEND"), (head, data, b"")))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4) + kind + data + zlib.crc32(kind + data).to_bytes(4)
