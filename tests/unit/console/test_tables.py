"""Tables of items: out and in without a change, safe to open, and merged with what others saved."""

import pytest
from openpyxl import load_workbook

from services.console.content.shape import ContentKind
from services.console.tables.files import as_csv, as_xlsx, read_table, safe
from services.console.tables.tables import Tables
from services.demo import content
from shared.errors import Invalid
from shared.text.spreadsheet_cells import FORMULA_STARTS
from shared.text.validation import body_of
from shared.tokens.person import SYSTEM
from tests.harness.desk_sources import EDITOR, desk_sources

ITEM = ContentKind.ITEM


@pytest.fixture
def county(tmp_path):
    with desk_sources(tmp_path) as sources:
        for item in content.items()[:5]:
            sources.catalog.save_item(SYSTEM, item.code, body_of(item), None)
        yield sources


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_a_table_that_nobody_changed_changes_nothing(county, form):
    tables = Tables(county.editions)
    rows = list(tables.rows(EDITOR))
    file = as_csv(rows) if form == "csv" else as_xlsx(rows, "事项")

    assert {one.state for one in tables.save(EDITOR, read_table(file))} == {"unchanged"}


def test_a_changed_cell_is_saved_as_a_draft_and_nothing_else(county):
    tables, code = Tables(county.editions), content.items()[0].code
    rows = read_table(as_csv(tables.rows(EDITOR)))
    rows[0]["承诺办结时限"], rows[1]["承诺办结时限"] = "15", "十五"
    before = county.editions.find(ITEM, code, EDITOR).draft

    seen = tables.preview(EDITOR, rows)
    assert [one.state for one in seen[:3]] == ["changed", "wrong", "unchanged"]
    assert county.editions.find(ITEM, code, EDITOR).draft == before

    assert [one.result for one in tables.save(EDITOR, rows)[:2]] == ["saved", ""]
    assert county.editions.find(ITEM, code, EDITOR).draft == {**before, "promise_day": 15}


def test_a_table_that_is_days_old_overwrites_nothing_that_was_changed_meanwhile(county):
    tables, code = Tables(county.editions), content.items()[0].code
    rows = read_table(as_csv(tables.rows(EDITOR)))
    edition = county.editions.find(ITEM, code, EDITOR)
    meanwhile = {**edition.draft, "short_name": "别人改的", "result_name": "别人改的证"}
    county.catalog.save_item(SYSTEM, code, meanwhile, int(edition.etag))
    rows[0]["承诺办结时限"] = "15"

    assert tables.save(EDITOR, rows)[0].result == "saved"
    assert county.editions.find(ITEM, code, EDITOR).draft == {**meanwhile, "promise_day": 15}

    rows[0]["事项简称"] = "我改的"
    assert [one.rule for one in tables.save(EDITOR, rows)[0].problems] == ["changed_since"]
    assert county.editions.find(ITEM, code, EDITOR).draft["short_name"] == "别人改的"


def test_no_cell_runs_as_a_formula(tmp_path):
    harmful = [f"{first}SUM(1)" for first in FORMULA_STARTS]
    (tmp_path / "a.xlsx").write_bytes(as_xlsx([["a"], *[[one] for one in harmful]], "a"))

    sheet = load_workbook(tmp_path / "a.xlsx").worksheets[0]
    assert {cell.data_type for row in sheet.iter_rows() for cell in row} == {"s"}
    assert not any(str(row[0].value).startswith(FORMULA_STARTS) for row in sheet.iter_rows())
    assert [row["a"] for row in read_table(as_csv([["a"], *[[one] for one in harmful]]))] == harmful
    assert safe("平常的字") == "平常的字"


@pytest.mark.parametrize("file", [b"PK\x03\x04 broken", b"\xff\xfe\xfa\x80", "甲,甲\n1,2".encode()])
def test_a_file_that_is_no_table_of_ours_is_refused(file):
    with pytest.raises(Invalid):
        read_table(file)


def test_a_table_without_codes_and_a_code_twice_are_refused(county):
    tables = Tables(county.editions)

    with pytest.raises(Invalid):
        tables.preview(EDITOR, [{"事项名称": "甲"}])
    row = read_table(as_csv(tables.rows(EDITOR)))[0]
    with pytest.raises(Invalid):
        tables.preview(EDITOR, [row, row])
