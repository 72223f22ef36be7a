"""The page of settings lists exactly the settings that the code reads."""

import re

from services.deployment import settings_table
from services.runtime.settings import CountySettings


def test_the_page_is_the_one_that_the_settings_make() -> None:
    written = settings_table.PAGE.read_text(encoding="utf-8")
    assert written == settings_table.page(), "run: .venv/bin/python -m services.deployment.settings_table"


def test_every_setting_is_described_in_a_row_of_its_own() -> None:
    rows = re.findall(r"^\| `(TONGYUAN_\w+)` \|.*\| ([^|]+) \|$", settings_table.page(), flags=re.MULTILINE)
    names = [f"TONGYUAN_{name.upper()}" for name in CountySettings.model_fields]
    assert sorted(name for name, _ in rows) == sorted(names)
    assert all(description.endswith(".") for _, description in rows)


def test_a_rows_bounds_are_those_that_a_value_is_held_to() -> None:
    page = settings_table.page()
    assert "| `TONGYUAN_PORT` | `8080` | whole number, at least 0, at most 65535 |" in page
    assert "| `TONGYUAN_HEAD_INTERVAL` | `2.0` | number, more than 0, at most 60 |" in page
    assert "| `TONGYUAN_ADMIN_TOKEN` |  | secret |" in page
