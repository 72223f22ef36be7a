"""CSV of any origin, with the user's own mapping."""

import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
import yaml
from hypothesis import given

from services.channels.text import chinese_labels
from services.importing.formats.csv_mapping import load_mapping
from services.importing.formats.csv_reading import csv_rows
from services.importing.formats.registry import read
from services.importing.row import Accepted, Outcome, Rejected, Row, WarningName
from shared.errors import Invalid, NotFound, TongyuanError

CODE = "11440232MB2D06811W4000117051000"
MAPPING: dict[str, Any] = {
    "constants": {"region": "440232", "project_type": "承诺件"},
    "columns": {
        "code": "编码",
        "task_name": "名称",
        "task_type": "类型",
        "dept_name": "部门",
        "serve_type": {"column": "对象", "split": "/"},
        "promise_day": {"column": "时限", "pattern": r"承诺(\d+)个工作日"},
        "anticipate_day": {"column": "时限", "pattern": r"法定(\d+)个工作日"},
        "is_online": {"column": "网办", "map": {"全程": "是", "不可": "否", "待定": None}},
        "materials": {"column": "材料", "split": "；"},
        "window_address": "地址",
        "window_hours": "时间",
    },
}
HEADER = "编码,名称,类型,部门,对象,时限,网办,材料,地址,时间"
LINE = (
    f"{CODE},消防设计审查,行政许可,县住建局,自然人/企业法人,"
    "法定20个工作日，承诺15个工作日,全程,申请表；图纸,鹰峰路1号,9:00-12:00"
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "items.csv"


@pytest.fixture
def mapping(tmp_path: Path) -> Path:
    return written(tmp_path, MAPPING)


def written(folder: Path, content: dict[str, Any] | str) -> Path:
    path = folder / "map.yaml"
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content, allow_unicode=True))
    return path


def imported(file: Path, mapping: Path, *lines: str, header: str = HEADER, encoding: str = "utf-8") -> list[Outcome]:
    file.write_bytes("\n".join([header, *lines, ""]).encode(encoding))
    return list(read(file, "csv", mapping))


def lost_by(row: Accepted) -> list[tuple[str, str]]:
    return [(one.field, one.broken) for one in row.warnings if one.name == WarningName.FIELD_LEFT_OUT]


def test_a_mapped_line_becomes_an_item_and_its_guide(file: Path, mapping: Path) -> None:
    (outcome,) = imported(file, mapping, LINE)

    assert isinstance(outcome, Accepted)
    assert outcome.number == 2
    item, guide = outcome.item, outcome.guide
    assert item is not None
    assert guide is not None
    assert (item.code, item.task_type, item.use_level, item.dept_code) == (CODE, "01", "4", CODE[:18])
    assert (item.serve_type, item.anticipate_day, item.promise_day, item.is_online) == (["1", "2"], 20, 15, True)
    assert [material.material_name for material in guide.materials] == ["申请表", "图纸"]
    assert [(window.address, window.hours) for window in guide.windows] == [("鹰峰路1号", "9:00-12:00")]
    assert outcome.region == "440232000000"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
def test_encoding_and_delimiter_are_found_out(file: Path, mapping: Path, encoding: str, delimiter: str) -> None:
    line, header = LINE.replace(",", delimiter), HEADER.replace(",", delimiter)

    (outcome,) = imported(file, mapping, line, header=header, encoding=encoding)

    assert isinstance(outcome, Accepted)
    assert outcome.item is not None
    assert outcome.item.task_name == "消防设计审查"


def test_a_damaged_line_does_not_turn_the_others_into_other_characters(file: Path) -> None:
    file.write_bytes("编码,名\n1,消防\n2,".encode() + b"\xff\xfe" + "\n3,图审\n".encode())

    first, second, third = csv_rows(file)

    assert (first, third) == (Row(2, {"编码": "1", "名": "消防"}), Row(4, {"编码": "3", "名": "图审"}))
    assert isinstance(second, Rejected)
    assert [(v.field, v.rule) for v in second.violations] == [("名", "encoding")]


def test_a_damaged_line_of_gb18030_is_rejected_alone(file: Path) -> None:
    file.write_bytes("编码,名\n1,消防\n2,".encode("gb18030") + b"\xff\n" + "3,图审\n".encode("gb18030"))

    assert [type(row) for row in csv_rows(file)] == [Row, Rejected, Row]


def test_a_row_is_what_a_spreadsheet_shows_however_many_lines_its_cells_have(file: Path) -> None:
    file.write_text('编码,名\n1,"消防\n""设计"""\n\n2,图审\n')

    assert list(csv_rows(file)) == [Row(2, {"编码": "1", "名": '消防\n"设计"'}), Row(4, {"编码": "2", "名": "图审"})]


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("1,2,3", "columns"),
        ("1", "columns"),
        ('1,"a"b', "readable"),
        ("1,\0", "characters"),
        ("1," + "x" * 1_100_000, "line_length"),
        ("1," + "x" * 200_000, "readable"),
    ],
)
def test_a_bad_record_costs_one_row(file: Path, line: str, rule: str) -> None:
    file.write_text(f"编码,名\n{line}\n4,图审\n")

    bad, after = csv_rows(file)

    assert isinstance(bad, Rejected)
    assert (bad.number, bad.violations[0].rule) == (2, rule)
    assert after == Row(3, {"编码": "4", "名": "图审"})


def test_a_quote_that_is_never_closed_tells_which_lines_it_swallowed(file: Path) -> None:
    file.write_text('编码,名\n1,"消防\n2,图审\n3,人防\n')

    (bad,) = csv_rows(file)

    assert isinstance(bad, Rejected)
    assert "lines 2 to 4" in bad.violations[0].message


@pytest.mark.parametrize(("header", "word"), [("编码,编码", "twice"), ('"编码', "cannot be read")])
def test_a_header_that_leaves_a_doubt_is_refused(file: Path, header: str, word: str) -> None:
    file.write_text(f"{header}\n1,2\n")

    with pytest.raises(Invalid, match=word):
        list(csv_rows(file))


def test_columns_without_a_name_are_nothing_unless_they_hold_something(file: Path, mapping: Path) -> None:
    empty, full = imported(file, mapping, LINE + ",,", LINE + ",,附注", header=HEADER + ",,")

    assert isinstance(empty, Accepted)
    assert isinstance(full, Accepted)
    assert list(csv_rows(file))[1].raw["(column 12)"] == "附注"


@pytest.mark.parametrize("above", [["云溪县政务服务事项清单" + "," * 9], ["清单", "制表：张三,,,,,,,,,", ",,,,,,,,,"]])
def test_a_title_above_the_header_is_passed_over_and_rows_keep_their_numbers(
    file: Path, mapping: Path, above: list[str]
) -> None:
    (outcome,) = imported(file, mapping, *above[1:], HEADER, LINE, header=above[0])

    assert isinstance(outcome, Accepted)
    assert outcome.number == len(above) + 2


def test_a_header_over_two_rows_is_read_as_one(file: Path, tmp_path: Path) -> None:
    columns = {"code": "编码", "task_name": "名称", "promise_day": "时限/承诺", "window_hours": "窗口/时间"}
    mapping = written(tmp_path, {"columns": columns})
    groups, names = "编码,名称,时限,,窗口,", ",,法定,承诺,名称,时间"

    (outcome,) = imported(file, mapping, names, f"{CODE},消防,20个工作日,15个工作日,1号,9:00", header=groups)

    assert isinstance(outcome, Accepted)
    assert outcome.number == 3
    assert outcome.item is not None
    assert outcome.item.promise_day == 15


def test_the_mapping_may_say_which_row_is_the_header(file: Path, tmp_path: Path) -> None:
    mapping = written(tmp_path, MAPPING | {"header_row": 3})

    (outcome,) = imported(file, mapping, "x,y", HEADER, LINE)

    assert isinstance(outcome, Accepted)
    assert outcome.number == 4


def test_a_file_without_the_columns_is_told_which_row_looked_like_the_header(file: Path, mapping: Path) -> None:
    with pytest.raises(Invalid, match=r"no column 地址; row 2 has 编码.*row 1 looks like a title"):
        imported(file, mapping, HEADER.replace("地址", "地点"), LINE, header="清单")


def test_a_column_that_the_mapping_needs_and_the_file_has_not_is_refused_by_name(file: Path, mapping: Path) -> None:
    with pytest.raises(Invalid, match="no column 地址"):
        imported(file, mapping, LINE, header=HEADER.replace("地址", "地点"))


def test_a_value_without_the_pattern_costs_its_field(file: Path, mapping: Path) -> None:
    vague = LINE.replace("法定20个工作日，承诺15个工作日", "尽快")
    none = LINE.replace("法定20个工作日，承诺15个工作日", "无").replace("051000", "052000")

    first, second = imported(file, mapping, vague, none)

    assert isinstance(first, Accepted)
    assert lost_by(first) == [("时限", "pattern")] * 2
    assert isinstance(second, Accepted)
    assert second.item is not None
    assert second.item.promise_day is None


def test_a_mapped_value_may_mean_nothing_and_an_unmapped_one_stays(file: Path, mapping: Path) -> None:
    outcomes = imported(file, mapping, LINE.replace("全程", "待定"), LINE.replace("全程", "有时"))

    assert isinstance(outcomes[0], Accepted)
    assert outcomes[0].item is not None
    assert outcomes[0].item.is_online is None
    assert isinstance(outcomes[1], Accepted)
    assert lost_by(outcomes[1]) == [("网办", "yes_no")]


def test_a_window_without_an_address_is_left_out_with_a_warning(file: Path, mapping: Path) -> None:
    (outcome,) = imported(file, mapping, LINE.replace("鹰峰路1号", ""))

    assert isinstance(outcome, Accepted)
    assert WarningName.WINDOW_WITHOUT_ADDRESS in {warning.name for warning in outcome.warnings}


def test_the_dialect_of_task_types_is_the_mappings(file: Path, tmp_path: Path) -> None:
    mapping = written(tmp_path, MAPPING | {"dialect": "guangdong"})
    line = LINE.replace("000117051000", "442117051000").replace("行政许可", "21")

    (outcome,) = imported(file, mapping, line)

    assert isinstance(outcome, Accepted)
    assert outcome.item is not None
    assert outcome.item.task_type == "20"


@pytest.mark.parametrize(
    "code",
    [
        "1151130108778239R4000117051000",
        "22222222222224000117051000",
        "00877868-54000117051000",
        "1151130000877869M4000117051000",
        "H-000185",
        "13440000515356094L4000117051000",
    ],
)
def test_the_code_defects_of_a_real_district_are_rejected(file: Path, mapping: Path, code: str) -> None:
    (outcome,) = imported(file, mapping, LINE.replace(CODE, code))

    assert isinstance(outcome, Rejected)
    assert outcome.violations[0].field == "编码"
    assert outcome.violations[0].rule in {"C-1", "C-2"}


@pytest.mark.parametrize(
    ("content", "place"),
    [
        ("columns: {code: 编码}\ncolour: red", "colour"),
        ("columns: {code: 编码, favourite: 色}", "columns.favourite"),
        ("columns: {code: 编码}\nconstants: {favourite: 1}", "constants.favourite"),
        ("columns: {task_name: 名称}", "columns.code"),
        ("columns: {code: {colum: 编码}}", "columns.code.column"),
        ("columns: {code: {column: 编码, pattern: '('}}", "columns.code.pattern"),
        ("columns: {code: {column: 编码, pattern: '(a)(b)'}}", "columns.code.pattern"),
        ("columns: {code: {column: 编码, map: [1]}}", "columns.code.map"),
        ("columns: {code: 编码}\nconstants: {code: 1}", "constants.code"),
        ("columns: {code: 编码}\ndialect: klingon", "dialect"),
        ("columns: {code: 编码}\nencoding: utf-16", "encoding"),
        ("columns: {code: 编码}\ndelimiter: '--'", "delimiter"),
        ("- code", "(whole file)"),
        ("", "(whole file)"),
    ],
)
def test_a_mistake_in_the_mapping_is_named_with_its_place(tmp_path: Path, content: str, place: str) -> None:
    with pytest.raises(Invalid) as raised:
        load_mapping(written(tmp_path, content))

    assert f"map.yaml: {place}" in {violation.field for violation in raised.value.violations}


@pytest.mark.parametrize(
    "content", ["columns: [", "a: b: c", "columns: {code: a}\ncolumns: {code: b}", "\x00", "[" * 5000]
)
def test_a_mapping_that_is_no_yaml_is_refused(tmp_path: Path, content: str) -> None:
    with pytest.raises(Invalid, match="YAML"):
        load_mapping(written(tmp_path, content))


def test_csv_needs_a_mapping_and_the_others_take_none(file: Path, mapping: Path) -> None:
    with pytest.raises(Invalid, match="needs a mapping"):
        read(file, "csv")
    with pytest.raises(Invalid, match="does not accept a mapping"):
        read(file, "up-task", mapping)
    with pytest.raises(NotFound):
        read(file, "csv", file.with_name("absent.yaml"))
    with pytest.raises(Invalid, match="gd-portal, up-task, table, csv"):
        read(file, "xlsx")


def test_the_example_in_the_readme_works(file: Path, tmp_path: Path) -> None:
    readme = (Path(__file__).parents[3] / "services" / "importing" / "README.md").read_text()
    blocks = dict(re.findall(r"```(yaml|csv)\n(.*?)```", readme, re.DOTALL))
    file.write_text(blocks["csv"])

    (outcome,) = read(file, "csv", written(tmp_path, blocks["yaml"]))

    assert isinstance(outcome, Accepted), outcome
    assert outcome.item is not None
    assert chinese_labels.days(outcome.item.promise_day, outcome.item.promise_type) == "15个工作日"
    assert chinese_labels.days(outcome.item.anticipate_day, outcome.item.anticipate_type) == "20个工作日"
    assert outcome.item.is_entry_center is True
    assert {warning.name for warning in outcome.warnings if not warning.name.routine} == set()


@given(content=st.binary(max_size=200) | st.text(alphabet='a,"\n\r;\t编\0', max_size=60).map(str.encode))
def test_no_bytes_make_the_reader_fail_but_by_refusal(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    file = tmp_path_factory.mktemp("bytes") / "items.csv"
    file.write_bytes(content)

    with suppress(TongyuanError):
        for row in csv_rows(file):
            assert isinstance(row, Row) or row.violations[0].rule


@given(cells=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=40), min_size=10, max_size=10))
def test_any_cells_give_a_valid_item_or_a_named_rejection(
    tmp_path_factory: pytest.TempPathFactory, cells: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("cells")
    mapping = written(folder, MAPPING)
    quoted = ",".join('"' + cell.replace('"', '""') + '"' for cell in cells)
    good = LINE.replace("法定20个工作日，承诺15个工作日", cells[0].replace(",", "").replace("\n", "").replace('"', ""))

    for outcome in imported(folder / "items.csv", mapping, quoted, good):
        assert isinstance(outcome, Accepted) or all(v.field and v.rule for v in outcome.violations)
