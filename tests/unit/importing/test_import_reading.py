"""Reading files: a broken line costs one row, a broken file is refused with a reason, nothing crashes."""

import json
import tracemalloc
from contextlib import suppress
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from services.importing.formats.json_array import CHUNK
from services.importing.formats.rows import LONGEST_LINE, json_rows
from services.importing.row import Rejected, Row
from shared.errors import Invalid, NotFound, TongyuanError, TooLarge

sound = st.characters(exclude_categories=["Cs"], exclude_characters="\0")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "rows.json"


def rows_of(file: Path, content: bytes) -> list[Any]:
    """Return each row's object, or (number, field, rule) of a rejected one."""
    file.write_bytes(content)
    return [
        (r.number, r.violations[0].field, r.violations[0].rule) if isinstance(r, Rejected) else r.raw
        for r in json_rows(file)
    ]


def test_json_lines_are_numbered_by_their_line(file: Path) -> None:
    file.write_bytes(b'{"a": "1"}\n\n{"a": "2"}\r\n{"a": "3"}')

    assert list(json_rows(file)) == [Row(1, {"a": "1"}), Row(3, {"a": "2"}), Row(4, {"a": "3"})]


def test_a_byte_order_mark_is_no_part_of_the_first_row(file: Path) -> None:
    assert rows_of(file, b'\xef\xbb\xbf{"a": "1"}\n') == [{"a": "1"}]
    assert rows_of(file, b'\xef\xbb\xbf[{"a": "1"}]') == [{"a": "1"}]


@pytest.mark.parametrize(
    ("line", "field", "rule"),
    [
        (b'{"a": ', "(row)", "readable"),
        (b'{"a": NaN}', "a", "readable"),
        (b"[1, 2]", "(row)", "type"),
        (b'"word"', "(row)", "type"),
        (b'{"a": "\xb9\xe3"}', "(row)", "encoding"),
        (b'{"a": "\\ud800"}', "a", "characters"),
        (b'{"a": {"b": ["\\u0000"]}}', "a", "characters"),
        (b'{"a": "1", "a": "2"}', "a", "repeated_field"),
        (b'{"a": [{"b": 1, "b": 2}]}', "a.b", "repeated_field"),
        (b'{"a": ' + b"[" * 40 + b"]" * 40 + b"}", "a", "depth"),
        (b'{"a": ' + b"[" * 200_000 + b"]" * 200_000 + b"}", "(row)", "depth"),
        (b'{"a":' * 100_000, "(row)", "depth"),
        (b'{"a": "' + b"x" * LONGEST_LINE + b'"}', "(row)", "line_length"),
    ],
)
def test_a_line_that_cannot_be_read_costs_one_row(file: Path, line: bytes, field: str, rule: str) -> None:
    assert rows_of(file, b'{"a": "1"}\n' + line + b'\n{"a": "3"}\n') == [{"a": "1"}, (2, field, rule), {"a": "3"}]


def test_numbers_keep_every_digit(file: Path) -> None:
    digits = "9" * 5000

    assert rows_of(file, f'{{"a": {digits}, "b": 1.10, "c": 1e999}}\n'.encode()) == [
        {"a": digits, "b": "1.10", "c": "1e999"}
    ]


def test_an_array_is_read_like_lines(file: Path) -> None:
    assert rows_of(file, b' [ {"a": "1"} ,\n {"a": "2"}, 3 ] \n') == [{"a": "1"}, {"a": "2"}, (3, "(row)", "type")]
    assert rows_of(file, b"[]") == []


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b'[{"a": "1"}, {"a": }]', "readable"),
        (b'[{"a": "1"}, {"a": "2"', "readable"),
        (b'[{"a": "1"}', "readable"),
        (b'[{"a": "1"}, ]', "readable"),
        (b'[{"a": "1"} {"a": "2"}]', "readable"),
        (b'[{"a": "1"}] x', "readable"),
        (b'[{"a": "1"}, {"a": "\xff"}]', "encoding"),
        (b'[{"a": "1"}, ' + b"[" * 200_000, "depth"),
        (b'[{"a": "1"}, {"a": "' + b"x" * 2 * LONGEST_LINE, "line_length"),
    ],
)
def test_a_broken_array_says_that_the_rest_was_not_read(file: Path, content: bytes, rule: str) -> None:
    file.write_bytes(content)
    *before, last = json_rows(file)

    assert isinstance(last, Rejected)
    assert last.violations[0].rule == rule
    assert "not read" in last.violations[0].message
    assert all(isinstance(row, Row) for row in before)


def test_a_bad_element_of_a_sound_array_costs_one_row(file: Path) -> None:
    content = b'[{"a": "1"}, {"a": "\\ud800"}, {"b": 1, "b": 2}, {"a": "4"}]'

    assert rows_of(file, content) == [{"a": "1"}, (2, "a", "characters"), (3, "b", "repeated_field"), {"a": "4"}]
    assert rows_of(file, b'[{"a": NaN}, {"a": "2"}]') == [(1, "a", "readable"), {"a": "2"}]


def test_numbers_of_an_array_are_kept_as_written(file: Path) -> None:
    digits = "9" * 5000

    assert rows_of(file, f'[{{"a": {digits}, "b": 1.10, "c": 1e999, "d": -0}}]'.encode()) == [
        {"a": digits, "b": "1.10", "c": "1e999", "d": "-0"}
    ]


@given(
    rows=st.lists(
        st.dictionaries(st.text(sound), st.text(sound)),
        max_size=8,
    ),
    indent=st.none() | st.integers(0, 3),
    ascii_only=st.booleans(),
)
def test_an_array_in_any_layout_gives_its_elements(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, str]], indent: int | None, ascii_only: bool
) -> None:
    file = tmp_path_factory.mktemp("array") / "rows.json"
    text = json.dumps(rows, indent=indent, ensure_ascii=ascii_only)

    assert rows_of(file, text.encode("utf-8")) == rows


def test_elements_may_lie_across_every_seam_of_the_window(file: Path) -> None:
    rows = [{"名": "申" * length, "n": str(length)} for length in range(900)]

    assert rows_of(file, json.dumps(rows, ensure_ascii=False).encode()) == rows
    assert rows_of(file, json.dumps(rows).encode()) == rows


def test_a_number_across_the_windows_seam_is_one_element(file: Path) -> None:
    for length in range(CHUNK - 30, CHUNK):
        content = '["' + "x" * length + '", 123456789, {"a": "1"}]'

        assert rows_of(file, content.encode()) == [(1, "(row)", "type"), (2, "(row)", "type"), {"a": "1"}]


@pytest.mark.parametrize("array", [False, True])
def test_a_large_file_is_read_in_little_memory(file: Path, array: bool) -> None:
    line = json.dumps({"text": "x" * 1000})
    with file.open("w") as out:
        out.write("[" if array else "")
        out.write((",\n" if array else "\n").join([line] * 30_000))
        out.write("]" if array else "\n")
    tracemalloc.start()
    try:
        assert sum(1 for _ in json_rows(file)) == 30_000
        assert tracemalloc.get_traced_memory()[1] < 4_000_000 < file.stat().st_size
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "empty"),
        (b" \n\n", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"PK\x03\x04" + b"\0" * 100, "Excel"),
        (b"\xd0\xcf\x11\xe0", "Excel"),
        (b"\x1f\x8b\x08", "compressed"),
        (b"%PDF-1.7", "PDF"),
        ("{}".encode("utf-16"), "UTF-16"),
        (b"\0" * 1000, "zero bytes"),
        (b'{\n  "a": 1\n}', "several lines"),
    ],
)
def test_a_file_that_is_no_rows_at_all_is_refused_with_the_reason(file: Path, content: bytes, word: str) -> None:
    file.write_bytes(content)

    with pytest.raises(Invalid, match=word):
        list(json_rows(file))


def test_a_missing_or_too_large_file_is_refused(file: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        list(json_rows(file))
    with pytest.raises(NotFound):
        list(json_rows(tmp_path))
    file.write_bytes(b'{"a": 1}')
    with pytest.raises(TooLarge, match="split"):
        list(json_rows(file, largest=7))


@given(content=st.binary(max_size=300) | st.text(alphabet='{}[]":,\\u0ax \n', max_size=80).map(str.encode))
def test_no_bytes_make_the_reader_fail_but_by_refusal(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    file = tmp_path_factory.mktemp("bytes") / "rows.json"
    file.write_bytes(content)

    with suppress(TongyuanError):
        for row in json_rows(file):
            assert isinstance(row, Row) or row.violations[0].rule
