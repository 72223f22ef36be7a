"""The code tables say what the field's tables say, and labels lead back to their codes."""

import csv
import json
from pathlib import Path

import pytest

from contracts.codes import tables

DATA = Path(__file__).parents[2] / ".." / "shared" / "data"
PUBLISHED = json.loads((DATA / "code-tables.json").read_text("utf-8"))

OUR_NAME = {
    "special_procedure_type": "special_type",
    "case_stage_public": "case_stage",
    "finish_code_sblsh": "finish_code",
    "satisfaction_hcp": "satisfaction",
    "theme_natural_person": "user_topic_type",
    "theme_legal_person": "corp_topic_type",
}
# Where we deliberately differ from the published file. None: a code that we do not know.
DIFFERENT: dict[str, dict[str, str | None]] = {
    "use_level": {"1": "国家级", "2": "省级", "3": "市级"},  # domain 4.2: without the names inside vertical bodies
    "time_unit": {"2": "自然日", "3": None, "4": None, "5": None},  # domain 12: only 工作日 and 自然日 are attested
    "is_need": {"2": "容缺后补"},  # the label without the remark about its origin
}
TABLES_WITH_CODES = [name for name in PUBLISHED if name not in ("_about", "disclosure_channel")]


@pytest.mark.parametrize("name", TABLES_WITH_CODES)
def test_a_table_is_the_published_one(name: str) -> None:
    expected = PUBLISHED[name]["values"] | DIFFERENT.get(name, {})
    assert tables.TABLES[OUR_NAME.get(name, name)] == {code: text for code, text in expected.items() if text}


@pytest.mark.parametrize("name", ["serve_type", "handle_type"])
def test_the_national_standards_own_variant_is_kept_apart(name: str) -> None:
    assert tables.TABLES[f"{name}_gb"] == PUBLISHED[name]["gb_variant"]["values"]
    assert tables.TABLES[f"{name}_gb"] != tables.TABLES[name]


def test_every_deliberate_difference_is_a_difference() -> None:
    for name, changes in DIFFERENT.items():
        for code, text in changes.items():
            assert PUBLISHED[name]["values"][code] != text


def test_disclosure_channels_are_the_published_words() -> None:
    assert list(tables.DISCLOSURE_CHANNEL) == PUBLISHED["disclosure_channel"]["values"]


def test_provinces_are_the_divisions_of_the_state_and_the_national_catalogue() -> None:
    with (DATA / "xzqh-provinces.csv").open(encoding="utf-8") as file:
        mainland = {row["code"]: row["name"] for row in csv.DictReader(file)}

    others = {"00": "国家", "71": "台湾省", "81": "香港特别行政区", "82": "澳门特别行政区"}
    assert mainland | others == tables.PROVINCE


@pytest.mark.parametrize("table", tables.TABLES)
def test_no_label_contains_a_blank_that_a_reader_could_write_otherwise(table: str) -> None:
    assert all(text and not any(map(str.isspace, text)) for text in tables.TABLES[table].values())


@pytest.mark.parametrize("table", tables.TABLES)
def test_every_label_leads_back_to_its_code(table: str) -> None:
    for code in tables.TABLES[table]:
        assert tables.code_for(table, tables.label(table, code)) == code


def test_blanks_of_either_width_around_a_label_do_not_matter() -> None:
    assert tables.code_for("task_type", "\u3000行政许可 \n") == "01"


@pytest.mark.parametrize("text", ["", "许可", "行政许可事项", "01"])
def test_a_word_that_is_no_label_has_no_code(text: str) -> None:
    assert tables.code_for("task_type", text) is None


def test_an_unknown_code_or_table_is_named() -> None:
    with pytest.raises(ValueError, match="task_type has no code '77'"):
        tables.label("task_type", "77")
    with pytest.raises(ValueError, match="no code table 'colour'"):
        tables.code_for("colour", "red")


def test_citizens_apply_for_seven_types() -> None:
    assert sorted(tables.APPLICABLE_TASK_TYPES) == ["01", "05", "07", "08", "09", "10", "20"]
    assert tables.label("task_type", tables.LICENSE) == "行政许可"


@pytest.mark.parametrize(
    ("dialect", "written", "national"),
    [
        (None, "20", "20"),
        (None, "10", "10"),
        ("guangdong", "20", "10"),
        ("guangdong", "21", "20"),
        ("guangdong", "01", "01"),
        ("sichuan", "1", "01"),
        ("sichuan", "20", "20"),
        ("liaoning", "99", "10"),
        ("liaoning", "09", "09"),
    ],
)
def test_a_provinces_task_type_becomes_the_national_one(dialect: str | None, written: str, national: str) -> None:
    assert tables.national_task_type(written, dialect) == national


@pytest.mark.parametrize(
    ("dialect", "written"), [(None, "21"), (None, "1"), ("guangdong", "22"), ("sichuan", "3x"), ("atlantis", "01")]
)
def test_an_unknown_task_type_names_code_and_dialect(dialect: str | None, written: str) -> None:
    with pytest.raises(ValueError, match=f"{written}.*{dialect or 'national'}|{dialect}.*{written}"):
        tables.national_task_type(written, dialect)
