"""docs/reliability.md names tests that exist, every fault of the list, and every rule and measure."""

import re
from pathlib import Path

import pytest

from tests.faults.test_removed_measures import MEASURES
from tests.harness.invariants import RULES

pytestmark = pytest.mark.lint
ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "reliability.md").read_text("utf-8")


def test_every_test_that_the_page_names_exists():
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", PAGE)
    missing = [
        f"{file}::{name}" for file, name in named
        if not (ROOT / file).is_file() or (name and f"def {name}(" not in (ROOT / file).read_text("utf-8"))
    ]  # fmt: skip

    assert len(named) > 80
    assert not missing


def test_every_fault_has_its_row():
    assert re.findall(r"^\| (F\d\d) ", PAGE, re.MULTILINE) == [f"F{number:02}" for number in range(1, 63)]


def test_every_rule_is_explained():
    assert all(re.search(rf"\b{rule}\b", PAGE) for rule in RULES)


def test_every_measure_that_is_taken_away_is_in_the_table():
    assert all(measure.name in PAGE for measure in MEASURES)
