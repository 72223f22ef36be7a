"""Codes fall into the right parts, and come back together from them."""

import json
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.codes.identifiers import (
    BasicCode,
    CodeError,
    HandleItemCode,
    ImplementationCode,
    ProjectNo,
    is_project_no,
    is_uscc,
    item_code_problem,
    new_project_no,
    parse_item_code,
)

DATA = Path(__file__).parents[2] / ".." / "shared" / "data"
VECTORS = json.loads((DATA / "test-vectors.json").read_text("utf-8"))
CODE31 = "11440232MB2D06811W4000117051000"
UPPER = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def number(length: int) -> st.SearchStrategy[str]:
    return st.text("0123456789", min_size=length, max_size=length)


basics = st.builds(str.__add__, number(4), st.text(UPPER, min_size=8, max_size=8))
units = st.sampled_from([code for code, _ in VECTORS["uscc_valid"]]) | st.text(UPPER, min_size=18, max_size=18)
codes31 = st.builds(lambda *parts: "".join(parts), units, st.sampled_from("123456"), basics)
codes33 = st.builds(lambda code, situation: f"{code}{situation:02}", codes31, st.integers(1, 99))


def named(kind: str) -> list[str]:
    return [code for code, _ in VECTORS[kind]]


@pytest.mark.parametrize("code", named("impl_code_31_valid"))
def test_an_implementation_code_is_its_parts(code: str) -> None:
    parsed = ImplementationCode.parse(code)

    assert (parsed.uscc, parsed.level, parsed.basic) == (code[:18], code[18], code[19:])
    assert is_uscc(parsed.uscc)
    assert parsed == parse_item_code(code)
    assert (parsed.situation, parsed.parent31, str(parsed)) == (None, code, code)


@pytest.mark.parametrize("code", named("handle_item_33_valid"))
def test_a_handle_item_code_is_an_implementation_and_a_situation(code: str) -> None:
    parsed = HandleItemCode.parse(code)

    assert str(parsed.implementation) == parsed.parent31 == code[:31]
    assert parsed.situation == code[31:]
    assert (parsed.uscc, parsed.region6, parsed.org9) == (code[:18], code[2:8], code[8:17])
    assert (parsed.level, parsed.basic, str(parsed.basic_parts)) == (code[18], code[19:31], code[19:31])
    assert parsed == parse_item_code(code)
    assert str(parsed) == code


def test_the_worked_example_splits_as_written_down() -> None:
    example = VECTORS["split_example"]
    parsed = parse_item_code(example["code"])
    parts = parsed.basic_parts

    assert parsed.uscc == example["uscc"]
    assert parsed.region6 == example["region"].split()[0]
    assert parsed.org9 == example["org9"]
    assert parsed.level == example["level"].split()[0]
    assert parsed.basic == example["basic"]
    assert [parts.province, parts.task_type, parts.department, parts.main, parts.sub] == [
        text.split()[0] for text in example["basic_parts"].values()
    ]


@given(codes31 | codes33)
def test_any_item_code_survives_parsing(code: str) -> None:
    parsed = parse_item_code(code)

    assert str(parsed) == code
    assert parsed.parent31 == code[:31]


@pytest.mark.parametrize(
    ("code", "field", "rule", "message"),
    [
        ("", "code", "C-1", "0 characters, 31 or 33 needed"),
        (CODE31 + "0", "code", "C-1", "32 characters, 31 or 33 needed"),
        (CODE31.lower(), "code", "C-1", "'b', 'd', 'm', 'w' not among 0-9 A-Z"),
        (CODE31 + "00", "code", "C-1", "situation is '00', 01 to 99 needed"),
        (CODE31 + "A1", "code", "C-1", "situation is 'A1', 01 to 99 needed"),
        (CODE31[:30] + "\n", "code", "C-1", r"'\n' not among 0-9 A-Z"),
        (CODE31[:18] + "7" + CODE31[19:], "use_level", "C-4", "character 19 is '7', a level is 1 to 6"),
        (CODE31[:18] + "0" + CODE31[19:], "use_level", "C-4", "character 19 is '0', a level is 1 to 6"),
    ],
)
def test_a_bad_item_code_is_told_what_is_wrong(code: str, field: str, rule: str, message: str) -> None:
    with pytest.raises(CodeError) as error:
        parse_item_code(code)

    assert (error.value.field, error.value.rule, error.value.message) == (field, rule, message)
    assert str(error.value) == f"{field}: {message} [{rule}]"


def test_a_unit_code_that_lost_a_character_is_pointed_out() -> None:
    problem = item_code_problem("1151130000877869M" + "4" + "510109001000")

    assert problem == (
        "30 characters, 31 or 33 needed; the unit's code 1151130000877869M seems to have 17 characters instead of 18"
    )


def test_lengths_are_not_mixed_up() -> None:
    with pytest.raises(CodeError, match="31 needed"):
        ImplementationCode.parse(CODE31 + "01")
    with pytest.raises(CodeError, match="33 needed"):
        HandleItemCode.parse(CODE31)


@pytest.mark.parametrize("vector", VECTORS["basic_code_valid"])
def test_a_basic_code_is_its_parts(vector: str) -> None:
    code = vector.split()[0]
    parsed = BasicCode.parse(code)

    assert str(parsed) == code
    assert (parsed.province, parsed.task_type, parsed.sub) == (code[:2], code[2:4], code[9:])
    assert parsed.is_group == ("row with children" in vector)


@given(basics)
def test_any_basic_code_survives_parsing(code: str) -> None:
    assert str(BasicCode.parse(code)) == code


@pytest.mark.parametrize("code", ["", "00011705100", "0001170510000", "A00117051000", "00011705100y", "000117051000\n"])
def test_a_bad_basic_code_is_refused(code: str) -> None:
    with pytest.raises(CodeError, match="catalog_code: 12 characters needed"):
        BasicCode.parse(code)


@pytest.mark.parametrize("text", named("project_no_valid"))
def test_a_real_project_no_survives_parsing(text: str) -> None:
    parsed = ProjectNo.parse(text)

    assert str(parsed) == text
    assert new_project_no(parsed.code31, parsed.day, parsed.serial) == text
    assert is_project_no(text)


@given(code=codes31, day=st.dates(date(1900, 1, 1), date(2099, 12, 31)), serial=st.integers(1, 9999))
def test_a_new_project_no_tells_its_item_day_and_serial(code: str, day: date, serial: int) -> None:
    text = new_project_no(code, day, serial)

    assert len(text) == 43
    assert is_project_no(text)
    assert ProjectNo.parse(text) == ProjectNo(code, day, serial)


@pytest.mark.parametrize("serial", [0, -1, 10_000])
def test_a_serial_that_does_not_fit_four_digits_is_refused(serial: int) -> None:
    with pytest.raises(CodeError, match="1 to 9999"):
        new_project_no(CODE31, date(2026, 3, 1), serial)


def test_a_project_no_is_made_for_an_implementation_not_for_a_situation() -> None:
    with pytest.raises(CodeError, match="31 needed"):
        new_project_no(CODE31 + "01", date(2026, 3, 1), 1)


@pytest.mark.parametrize("tail", ["202013010001", "20200230 001", "2020022900A1", "20200229001", "2020022900011"])
def test_what_is_not_of_our_making_does_not_parse(tail: str) -> None:
    with pytest.raises(CodeError, match="project_no"):
        ProjectNo.parse(CODE31 + tail)


@pytest.mark.parametrize("text", ["A", "37-2020-000123", "0" * 50])
def test_a_foreign_project_no_is_taken_as_it_is(text: str) -> None:
    assert is_project_no(text)


@pytest.mark.parametrize("text", ["", "0" * 51, "abc", "12 34", "１２３", "123\n", "张三"])
def test_what_no_system_gives_out_is_no_project_no(text: str) -> None:
    assert not is_project_no(text)
