"""Malicious files: each costs one row or is refused by name, in little memory and bounded time."""

import gzip
import io
import json
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.importing.fields.flat_fields import KNOWN_FIELDS
from services.importing.formats.csv_mapping import load_mapping
from services.importing.formats.gd_portal import convert as convert_gd_portal
from services.importing.formats.registry import read
from services.importing.formats.rows import json_rows
from services.importing.formats.up_task import convert as convert_up_task
from services.importing.row import Accepted, Rejected, Row
from shared.errors import Invalid
from shared.security.privacy import find_personal_data
from tests.harness.hostile import CHANGES, VALUES

LONG = 100 * 1024 * 1024
PIECE = 1024 * 1024
LITTLE = 16_000_000
CODE = "11440232MB2D06811W4000117051000"
MAPPING = "columns: {code: 编码, task_name: 名称}\n"

pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def mapping(tmp_path: Path) -> Path:
    path = tmp_path / "mapping.yaml"
    path.write_text(MAPPING, encoding="utf-8")
    return path


def long_line(path: Path, before: bytes, after: bytes) -> None:
    """Write one line of 100 MB, and a short one after it."""
    with path.open("wb") as out:
        out.write(before)
        for _ in range(LONG // PIECE):
            out.write(b"x" * PIECE)
        out.write(after)


@pytest.fixture
def memory() -> Iterator[Callable[[], int]]:
    """Yield a function to the maximum of bytes that Python held since the test began."""
    tracemalloc.start()
    yield lambda: tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()


def test_a_line_of_100_mb_costs_one_row_and_little_memory(tmp_path: Path, memory: Callable[[], int]) -> None:
    file = tmp_path / "rows.jsonl"
    long_line(file, b'{"TASK_CODE": "1"}\n{"TASK_NAME": "', b'"}\n{"TASK_CODE": "3"}\n')
    rows = list(json_rows(file))

    assert [row.number for row in rows] == [1, 2, 3]
    assert isinstance(rows[1], Rejected)
    assert (rows[1].violations[0].field, rows[1].violations[0].rule) == ("(row)", "line_length")
    assert memory() < LITTLE


def test_an_element_of_100_mb_ends_the_array_in_little_memory(tmp_path: Path, memory: Callable[[], int]) -> None:
    file = tmp_path / "rows.json"
    long_line(file, b'[{"TASK_CODE": "1"}, {"TASK_NAME": "', b'"}]')
    rows = list(json_rows(file))

    assert isinstance(rows[-1], Rejected)
    assert rows[-1].violations[0].rule == "line_length"
    assert memory() < LITTLE


def test_a_record_of_100_mb_costs_one_row_and_little_memory(
    tmp_path: Path, mapping: Path, memory: Callable[[], int]
) -> None:
    file = tmp_path / "rows.csv"
    long_line(file, "编码,名称\n1,".encode(), b"\n2,y\n")
    rows = list(read(file, "csv", mapping))

    assert [type(row) for row in rows] == [Rejected, Rejected]
    assert next(row.violations[0].rule for row in rows if isinstance(row, Rejected)) == "line_length"
    assert memory() < LITTLE


def test_a_compressed_file_is_refused_unopened(tmp_path: Path, memory: Callable[[], int]) -> None:
    zeros = b"0" * 10_000_000
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("rows.jsonl", zeros)
    for name, content in (("rows.zip", packed.getvalue()), ("rows.gz", gzip.compress(zeros))):
        file = tmp_path / name
        file.write_bytes(content)
        before = memory()
        with pytest.raises(Invalid, match="unpack") as caught:
            list(read(file, "gd-portal"))
        assert [(v.field, v.rule) for v in caught.value.violations] == [("file", "readable")]
        assert memory() <= before + 1_000_000


@pytest.mark.parametrize("kind", ["gd-portal", "up-task"])
@pytest.mark.parametrize("change", CHANGES)
def test_a_hostile_line_is_one_named_rejection_and_its_neighbours_are_read(
    tmp_path: Path, kind: str, change: str
) -> None:
    file = tmp_path / "rows.jsonl"
    sound = json.dumps({"TASK_CODE": CODE, "TASK_NAME": "建设工程消防设计审查", "LIMIT": 7}).encode()
    hostile = CHANGES[change](sound).replace(b"\n", b"")
    file.write_bytes((sound + b"\n") * 8 + hostile + b"\n" + sound + b"\n")
    outcomes = list(read(file, kind))

    assert outcomes[0].number == 1
    assert outcomes[-1].number == 10
    for outcome in outcomes:
        if isinstance(outcome, Rejected):
            assert all(violation.field and violation.rule for violation in outcome.violations)


@settings(max_examples=60)
@given(raw=st.dictionaries(st.sampled_from(sorted(KNOWN_FIELDS)) | st.text(max_size=8), VALUES, max_size=12))
@pytest.mark.parametrize("convert", [convert_gd_portal, convert_up_task])
def test_whatever_a_row_holds_it_is_accepted_or_rejected_by_name(convert: Any, raw: dict[str, Any]) -> None:
    for names in (raw, {name.upper(): value for name, value in raw.items()}):
        outcome = convert(Row(1, {"TASK_CODE": CODE, "task_code": CODE, **names}))
        assert isinstance(outcome, Accepted) or all(v.field and v.rule for v in outcome.violations)


STRETCHED = [
    "1",
    " ",
    "，",
    "（",
    "((",
    "1,",
    "年1",
    "１",
    "\ufdfa",
    "a.",
    "申1-",
    "\u200b",
    "13812345678",
    "3402021985",
]


@pytest.mark.parametrize("piece", STRETCHED)
def test_a_value_of_100_kb_costs_no_more_than_its_length(piece: str) -> None:
    long = (piece * (100_000 // len(piece)))[:100_000]
    names = KNOWN_FIELDS - {"code"}
    for convert, row in (
        (convert_gd_portal, {"TASK_CODE": CODE, **{name.upper(): long for name in names}}),
        (convert_up_task, {"task_code": CODE, **dict.fromkeys(names, long)}),
    ):
        assert isinstance(convert(Row(1, row)), Accepted | Rejected)
    find_personal_data(long)


BOMBS = {
    "aliases that multiply": "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [{','.join([f'*{chr(97 + n)}'] * 9)}]\n" for n in range(9)
    ),
    "merges that multiply": "a: &a {x: y}\n" + "".join(
        f"{chr(98 + n)}: &{chr(98 + n)} {{<<: [{','.join([f'*{chr(97 + n)}'] * 9)}]}}\n" for n in range(9)
    ),
    "deep lists": "columns: " + "[" * 60_000,
    "deep maps": "columns: " + "{a: " * 15_000,
    "many names": "columns:\n" + "".join(f"  f{n}: c\n" for n in range(5_000)),
    "a huge number": "columns: {code: c}\nconstants: {region: " + "9" * 50_000 + "}",
    "a Python object": "columns: !!python/object/apply:os.system ['true']",
    "a wrong day": "columns: {code: 2026-99-99}",
    "NUL": "columns: {code: \0}",
    "a name twice": "columns: {code: a, code: b}",
    "a list as a name": "columns: {[1, 2]: a}",
    "itself": "columns: &a {code: *a}",
    "wrong bytes": b"\xff\xfe\xff",
    "a broken pattern": "columns: {code: {column: a, pattern: '((((('}}",
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_a_hostile_mapping_is_refused_by_its_place(tmp_path: Path, memory: Callable[[], int], name: str) -> None:
    path = tmp_path / "mapping.yaml"
    content = BOMBS[name]
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(Invalid) as caught:
        load_mapping(path)

    assert all(v.field.startswith("mapping.yaml") and v.rule for v in caught.value.violations)
    assert memory() < 100_000_000


@settings(max_examples=60)
@given(
    content=st.binary(max_size=120) | st.text(alphabet="columns:{}[]&*<>!|-'\" \n\tcode", max_size=80).map(str.encode)
)
def test_no_bytes_make_a_mapping_fail_but_by_refusal(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("bytes") / "mapping.yaml"
    path.write_bytes(content)
    with pytest.raises(Invalid):
        load_mapping(path)
