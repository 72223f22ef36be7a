"""C-1 … C-10: what an incoming item must fulfil, each seen passing and failing."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.codes.item_checks import LABELS, USCC_PSEUDO, Context, FailedCheck, LiveCodes, check_item, rejected
from contracts.content.items import DirectoryRow, Item

COUNTY = "440232000000"
CODE = "11440232MB2D06811W4000117051000"
SITUATION = f"{CODE}01"
HERE = Context(region=COUNTY)
DIVISIONS = frozenset({"440000", "440100", "440103", "440200", "440232"})


def item(code: str = CODE, **changes: Any) -> Item:
    """A good item of `code`; a change that the model itself would refuse is let through to the checks."""
    basic = code[19:31]
    fields: dict[str, Any] = {
        "code": code,
        "catalog_code": basic,
        "task_name": "建设工程消防设计审查",
        "task_type": basic[2:4],
        "use_level": code[18:19],
        "dept_name": "乳源瑶族自治县住房和城乡建设管理局",
        "dept_code": code[:18],
    }
    return Item.model_construct(**fields | changes)


def row(code: str = CODE[19:], levels: str = "234") -> DirectoryRow:
    return DirectoryRow(catalog_code=code, task_name="建设工程消防设计审查", task_type="01", use_level=list(levels))


def only(findings: list[FailedCheck]) -> FailedCheck:
    assert len(findings) == 1, findings
    return findings[0]


@pytest.mark.parametrize("code", [CODE, SITUATION])
def test_a_good_item_passes_everything(code: str) -> None:
    context = Context(
        region=COUNTY,
        directory={CODE[19:]: row()}.get,
        divisions=DIVISIONS,
        live_codes=LiveCodes.of([code, "11440100007482575H3440118009000"]),
        version=2,
        stored_version=1,
    )

    assert check_item(item(code), context) == []


def test_every_check_has_a_label_for_editors() -> None:
    assert list(LABELS) == [f"C-{n}" for n in range(1, 11)]
    assert only(check_item(item(task_type="07"), HERE)).label == "事项类型与基本编码不一致"


@pytest.mark.parametrize("code", ["", CODE[:-1], CODE + "0", CODE.lower(), CODE + "00", CODE[:30] + "Ｙ"])
def test_c1_refuses_a_code_of_another_form_and_looks_no_further(code: str) -> None:
    finding = only(check_item(item(code), HERE))

    assert (finding.check, finding.severity, finding.field, finding.value) == ("C-1", "reject", "code", code)


def test_c1_says_that_the_unit_lost_a_character() -> None:
    finding = only(check_item(item("1151130000877869M4510109001000"), HERE))

    assert "1151130000877869M seems to have 17 characters instead of 18" in finding.message


@pytest.mark.parametrize("uscc", ["13440000515356094L", "11440232MB2D06811X", "11440232MB2D0681OW"])
def test_c2_refuses_a_wrong_uscc(uscc: str) -> None:
    finding = check_item(item(uscc + CODE[18:]), HERE)[0]

    assert (finding.check, finding.severity, finding.value) == ("C-2", "reject", uscc)


def test_c2_names_the_check_character_that_is_wrong() -> None:
    finding = only(check_item(item("13440000515356094L" + CODE[18:]), HERE))

    assert finding.message == "unit's code 13440000515356094L: check character is L, GB 32100 gives A"


def test_c2_takes_a_unit_without_a_uscc_but_flags_it() -> None:
    findings = check_item(item("TE440000GD030003VV" + CODE[18:]), HERE)

    assert (only(findings).check, only(findings).severity, only(findings).flag) == ("C-2", "warn", USCC_PSEUDO)
    assert not rejected(findings)


@pytest.mark.parametrize("dept_code", [CODE[:18], "MB2D06811", "MB2D0681-1", "12440233MB2D06811W"])
def test_c3_accepts_the_unit_by_its_code_or_by_its_organisation(dept_code: str) -> None:
    assert check_item(item(dept_code=dept_code), HERE) == []


@pytest.mark.parametrize("dept_code", ["11440100007482575H", "007482575", "MB2D06811 ", "mb2d06811"])
def test_c3_refuses_another_unit(dept_code: str) -> None:
    finding = only(check_item(item(dept_code=dept_code), HERE))

    assert (finding.check, finding.severity, finding.field) == ("C-3", "reject", "dept_code")
    assert finding.value == dept_code


def test_c3_says_when_the_unit_is_a_character_short() -> None:
    finding = only(check_item(item(dept_code="1144023MB2D06811W"), HERE))

    assert finding.message.endswith("17 characters, a uscc has 18")


@pytest.mark.parametrize("level", "123456")
def test_c4_accepts_each_level_that_the_unit_has(level: str) -> None:
    assert check_item(item(CODE[:18] + level + CODE[19:]), HERE) == []


@pytest.mark.parametrize(
    ("in_code", "level", "field"), [("4", "3", "use_level"), ("7", "7", "code"), ("0", "4", "code")]
)
def test_c4_refuses_a_level_that_is_none_or_another(in_code: str, level: str, field: str) -> None:
    finding = only(check_item(item(CODE[:18] + in_code + CODE[19:], use_level=level), HERE))

    assert (finding.check, finding.severity, finding.field) == ("C-4", "reject", field)


def test_c5_refuses_a_catalogue_code_that_the_code_does_not_end_in() -> None:
    finding = only(check_item(item(catalog_code="000117051001"), HERE))

    assert (finding.check, finding.severity, finding.value) == ("C-5", "reject", "000117051001")
    assert finding.message == "the code says 000117051000"


def test_c5_refuses_a_catalogue_code_without_a_province() -> None:
    finding = only(check_item(item(CODE[:19] + "X00117051000"), HERE))

    assert (finding.check, finding.severity, finding.field) == ("C-5", "reject", "catalog_code")


@pytest.mark.parametrize(
    ("basic", "task_type"),
    [
        ("000117051000", "01"),
        ("002099806003", "20"),
        ("442199806003", "20"),
        ("442014010000", "10"),
        ("219973001000", "10"),
    ],
)
def test_c6_accepts_the_national_type_of_what_the_catalogue_writes(basic: str, task_type: str) -> None:
    assert check_item(item(CODE[:19] + basic, task_type=task_type), HERE) == []


@pytest.mark.parametrize(
    ("basic", "task_type", "field"),
    [
        ("000117051000", "07", "task_type"),
        ("442199806003", "21", "task_type"),
        ("442014010000", "20", "task_type"),
        ("002199806003", "21", "catalog_code"),
        ("447799806003", "77", "catalog_code"),
    ],
)
def test_c6_refuses_another_type_and_an_unmapped_dialect(basic: str, task_type: str, field: str) -> None:
    finding = only(check_item(item(CODE[:19] + basic, task_type=task_type), HERE))

    assert (finding.check, finding.severity, finding.field) == ("C-6", "reject", field)


@pytest.mark.parametrize("levels", ["4", "234", "7"])
def test_c7_accepts_a_row_of_the_directory_at_a_level_it_is_given_to(levels: str) -> None:
    context = Context(region=COUNTY, directory={CODE[19:]: row(levels=levels)}.get)

    assert check_item(item(), context) == []


def test_c7_refuses_what_is_not_in_the_directory() -> None:
    finding = only(check_item(item(), Context(region=COUNTY, directory=dict[str, DirectoryRow]().get)))

    assert (finding.check, finding.severity, finding.field) == ("C-7", "reject", "catalog_code")


def test_c7_refuses_a_level_that_the_directory_does_not_give() -> None:
    finding = only(check_item(item(), Context(region=COUNTY, directory={CODE[19:]: row(levels="23")}.get)))

    assert (finding.check, finding.severity, finding.field, finding.value) == ("C-7", "reject", "use_level", "4")


def test_c7_is_not_asked_without_a_directory() -> None:
    assert check_item(item(), Context(region=COUNTY, directory=None)) == []


@pytest.mark.parametrize("directory", [None, {"44010200200Y": row("44010200200Y")}.get])
def test_c7_refuses_to_carry_out_a_parent_row(directory: Any) -> None:
    finding = only(check_item(item(CODE[:19] + "44010200200Y"), Context(region=COUNTY, directory=directory)))

    assert (finding.check, finding.severity) == ("C-7", "reject")
    assert "only its sub items are carried out" in finding.message


@pytest.mark.parametrize(
    ("uscc", "county"),
    [
        ("11440232MB2D06811W", "440232000000"),
        ("11440100007482575H", "440103000000"),
        ("11440000MB2D0164XH", "440232000000"),
        ("11100000000013370H", "440232000000"),
    ],
)
def test_c8_accepts_the_county_and_everything_above_it(uscc: str, county: str) -> None:
    context = Context(region=county, divisions=DIVISIONS)

    assert [finding for finding in check_item(item(uscc + CODE[18:]), context) if finding.check == "C-8"] == []


@pytest.mark.parametrize("uscc", ["11440100007482575H", "11511301008778220W"])
def test_c8_warns_of_a_unit_from_elsewhere(uscc: str) -> None:
    findings = check_item(item(uscc + CODE[18:]), HERE)

    assert (only(findings).check, only(findings).severity, only(findings).value) == ("C-8", "warn", uscc[2:8])
    assert not rejected(findings)


def test_c8_warns_of_a_division_that_does_not_exist() -> None:
    context = Context(region=COUNTY, divisions=DIVISIONS - {"440232"})

    assert only(check_item(item(), context)).message == "region 440232 of the unit is no division in use"


@pytest.mark.parametrize("entry", ["440100", "11440100007482575H"])
def test_c8_takes_what_is_in_the_countys_list_of_units(entry: str) -> None:
    context = Context(region=COUNTY, divisions=DIVISIONS, units={entry}, foreign="reject")

    assert check_item(item("11440100007482575H" + CODE[18:]), context) == []


def test_c8_refuses_a_unit_from_elsewhere_where_it_is_asked_to() -> None:
    finding = only(check_item(item("11440100007482575H" + CODE[18:]), Context(region=COUNTY, foreign="reject")))

    assert (finding.check, finding.severity) == ("C-8", "reject")
    assert "--region" in finding.message


def test_c9_refuses_a_code_that_another_item_has() -> None:
    finding = only(check_item(item(), Context(region=COUNTY, taken={CODE})))

    assert (finding.check, finding.severity, finding.value) == ("C-9", "reject", CODE)


def test_c9_accepts_a_new_release_of_what_is_live() -> None:
    assert check_item(item(), Context(region=COUNTY, live_codes=LiveCodes.of([CODE]))) == []


def test_c9_refuses_a_situation_of_an_item_that_is_live_as_a_whole() -> None:
    finding = only(check_item(item(SITUATION), Context(region=COUNTY, live_codes=LiveCodes.of([CODE]))))

    assert (finding.check, finding.severity) == ("C-9", "reject")
    assert CODE in finding.message


def test_c9_refuses_the_whole_of_an_item_that_is_live_in_situations() -> None:
    finding = only(check_item(item(), Context(region=COUNTY, live_codes=LiveCodes.of([SITUATION]))))

    assert (finding.check, finding.severity, finding.value) == ("C-9", "reject", CODE)


def test_c9_accepts_one_more_situation() -> None:
    assert check_item(item(SITUATION), Context(region=COUNTY, live_codes=LiveCodes.of([f"{CODE}02"]))) == []


@pytest.mark.parametrize(("version", "stored"), [(3, 2), (1, None), (None, 7)])
def test_c10_accepts_what_is_newer_or_has_no_version_to_compare(version: int | None, stored: int | None) -> None:
    assert check_item(item(), Context(region=COUNTY, version=version, stored_version=stored)) == []


@pytest.mark.parametrize("version", [1, 2])
def test_c10_ignores_what_is_not_newer(version: int) -> None:
    findings = check_item(item(), Context(region=COUNTY, version=version, stored_version=2))

    assert (only(findings).check, only(findings).severity) == ("C-10", "ignore")
    assert not rejected(findings)


def test_all_that_is_wrong_is_said_at_once() -> None:
    findings = check_item(item(dept_code="007482575", use_level="3", task_type="07"), HERE)

    assert [finding.check for finding in findings] == ["C-3", "C-4", "C-6"]
    assert rejected(findings)


@pytest.mark.parametrize("region", ["440232", "44023200000X", "", "4402320000000"])
def test_a_context_needs_the_countys_twelve_digits(region: str) -> None:
    with pytest.raises(ValueError, match="region: 12 digits"):
        Context(region=region)


@given(st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ\n中", max_size=40), st.text(max_size=20))
def test_no_item_however_odd_breaks_the_checks(code: str, dept_code: str) -> None:
    for finding in check_item(item(code, dept_code=dept_code), HERE):
        assert finding.label
        assert finding.message
