"""Workbooks that are made to hurt: refused by name before they cost anything, or read, and nothing in them runs."""

import io
import socket
import time
import tracemalloc
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from services.console.tables.files import read_table
from services.importing.formats.registry import read
from shared.errors import Invalid, TooLarge
from shared.text.workbook_scan import Bounds
from shared.text.workbooks import Damaged, workbook_sheets
from tests.harness.workbooks import MAIN, rewritten, with_shared_texts, xlsx


def sound() -> bytes:
    book, made = Workbook(), io.BytesIO()
    book.active.append(["a", "b"])
    book.save(made)
    return made.getvalue()


SOUND = sound()
MIB = 1024 * 1024
BOUNDS = Bounds(packed=32 * MIB, unpacked=256 * MIB, part=96 * MIB, rows=50_000)
SHEET = "xl/worksheets/sheet1.xml"
STYLES = "xl/styles.xml"
SECONDS = 30
LITTLE = 24 * MIB


@pytest.fixture
def book(tmp_path: Path) -> Path:
    return xlsx(tmp_path / "清单.xlsx", ("事项", [["a", "b"], ["1", "2"]]))


@pytest.fixture
def in_little_memory() -> Iterator[None]:
    """Fail if Python holds more than `LITTLE` at once."""
    tracemalloc.start()
    yield
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < LITTLE


def rows_of(book: Path, bounds: Bounds = BOUNDS) -> list[list[str]]:
    with workbook_sheets(book, book.name, bounds) as sheets:
        return [[cell.value for cell in row] for _, row in sheets[0].rows()]


def with_part(book: Path, part: str, before: bytes, repeated: bytes, times: int, after: bytes) -> Path:
    """Replace a part by `before`, a pattern repeated many times, and `after`."""
    with zipfile.ZipFile(book) as archive:
        parts = {name: archive.read(name) for name in archive.namelist() if name != part}
    with zipfile.ZipFile(book, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
        with archive.open(part, "w") as out:
            out.write(before)
            piece = repeated * (MIB // len(repeated))
            whole, rest = divmod(times, MIB // len(repeated))
            for _ in range(whole):
                out.write(piece)
            out.write(repeated * rest + after)
    return book


BEGIN, END = f'<worksheet xmlns="{MAIN}"><sheetData>'.encode(), b"</sheetData></worksheet>"
HOSTILE: dict[str, tuple[str, bytes, bytes, int, bytes]] = {
    "a thousand million empty cells": (SHEET, BEGIN, b'<row><c r="XFD1"/></row>', 61_036, END),
    "rows without end": (SHEET, BEGIN, b"<row/>", 60_000, END),
    "cells without end": (SHEET, BEGIN + b"<row>", b"<c/>", 3_000_000, b"</row>" + END),
    "merged cells over everything": (
        SHEET,
        BEGIN + b'<row r="50000"/></sheetData><mergeCells>',
        b'<mergeCell ref="A1:XFD50000"/>',
        2_000,
        b"</mergeCells></worksheet>",
    ),
    "elements in elements": (SHEET, BEGIN, b"<a>", 3_000_000, b""),
    "elements in elements of the styles": (STYLES, b"<styleSheet>", b"<a>", 3_000_000, b""),
    "elements without end": (SHEET, BEGIN, b"<x a=''/>", 10_000_000, END),
    "styles without end": (STYLES, f'<styleSheet xmlns="{MAIN}"><cellXfs>'.encode(), b"<xf/>", 10_000_000, b""),
    "one endless text": (SHEET, BEGIN + b"<row><c><is><t>", b"x", 40 * MIB, b"</t></is></c></row>" + END),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_workbook_that_would_cost_too_much_is_refused_before_it_is_read(book: Path, what: str) -> None:
    with_part(book, *HOSTILE[what])
    assert book.stat().st_size < 2 * MIB
    begun = time.process_time()

    with pytest.raises(TooLarge, match=r"清单\.xlsx: .*(split it|save it as CSV)"):
        rows_of(book)

    assert time.process_time() - begun < SECONDS


@pytest.mark.parametrize("what", ["elements in elements", "one endless text", "a thousand million empty cells"])
@pytest.mark.usefixtures("in_little_memory")
def test_it_is_refused_in_little_memory(book: Path, what: str) -> None:
    with_part(book, *HOSTILE[what])

    with pytest.raises(TooLarge):
        rows_of(book)


def test_a_part_that_unpacks_to_more_than_it_may_is_refused_unopened(book: Path) -> None:
    with_part(book, "xl/media/a.bin", b"", b"\0", 97 * MIB, b"")

    with pytest.raises(TooLarge, match="unpacked"):
        rows_of(book)


def test_many_cells_that_share_one_long_text_are_refused_where_they_add_up(book: Path) -> None:
    with_shared_texts(xlsx(book, ("事项", [["x" * 30_000]])), {})
    again = '<row><c t="s"><v>0</v></c></row>' * 80
    rewritten(book, SHEET, lambda xml: xml.replace("</sheetData>", f"{again}</sheetData>"))

    with pytest.raises(TooLarge, match="characters in its cells"):
        rows_of(book, Bounds(32 * MIB, unpacked=2_000_000, part=MIB * 96))


def test_entities_that_grow_are_refused(book: Path) -> None:
    entities = '<!DOCTYPE a [<!ENTITY a "xx"><!ENTITY b "&a;&a;">]>'
    rewritten(book, SHEET, lambda xml: entities + xml.removeprefix('<?xml version="1.0"?>'))

    with pytest.raises(Damaged):
        rows_of(book)


def test_links_macros_and_connections_stay_closed_and_cells_show_what_is_stored(
    book: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    formula = '<c r="B2"><f>WEBSERVICE("http://127.0.0.1:9/")+[1]x!A1</f><v>7</v></c>'
    rewritten(book, SHEET, lambda xml: xml.replace("</row></sheetData>", f"{formula}</row></sheetData>"))
    with zipfile.ZipFile(book, "a") as archive:
        archive.writestr("xl/vbaProject.bin", b"\xd0\xcf\x11\xe0")
        archive.writestr("xl/externalLinks/externalLink1.xml", '<externalLink><externalBook r="x"/></externalLink>')
        archive.writestr("xl/connections.xml", "<connections/>")
    monkeypatch.setattr(socket, "socket", None)

    assert rows_of(book)[1][-1] == 7


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_a_packing_that_no_workbook_has_is_refused(book: Path, method: int) -> None:
    with zipfile.ZipFile(book, "a", method) as archive:
        archive.writestr("xl/a.xml", "<a/>")

    with pytest.raises(Damaged):
        rows_of(book)


def test_an_encrypted_workbook_is_refused_with_the_remedy_where_it_is_imported(tmp_path: Path) -> None:
    path = tmp_path / "清单.xlsx"
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"))
    mapping = tmp_path / "map.yaml"
    mapping.write_text("columns: {code: a, task_name: b}\n")

    with pytest.raises(Invalid, match="password"):
        list(read(path, "table", mapping))


@pytest.mark.parametrize("what", ["a thousand million empty cells", "elements in elements", "styles without end"])
def test_the_desk_refuses_them_as_well(book: Path, what: str) -> None:
    with pytest.raises(TooLarge):
        read_table(with_part(book, *HOSTILE[what]).read_bytes())


@settings(max_examples=60, deadline=None)
@given(place=st.integers(0, 4000), byte=st.integers(0, 255), cut=st.booleans())
def test_whatever_is_damaged_in_a_workbook_it_is_read_or_refused(place: int, byte: int, *, cut: bool) -> None:
    content = bytearray(SOUND)
    place %= len(content)
    content[place] = byte
    file = io.BytesIO(bytes(content[:place]) if cut else bytes(content))
    try:
        with workbook_sheets(file, "file", BOUNDS) as sheets:
            for sheet in sheets:
                list(sheet.rows())
    except (Damaged, TooLarge):
        pass
