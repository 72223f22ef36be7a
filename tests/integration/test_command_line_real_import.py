"""`tongyuan import` of the real file: a dry run, the import, and the same file again."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.harness.command import WELL, Done, positions, tongyuan, until_shown
from tests.harness.county import EmbeddedCounty, running

pytestmark = [pytest.mark.xdist_group("real-import"), pytest.mark.timeout(600)]

HEADS = {"TONGYUAN_HEAD_INTERVAL": "0.5"}
"""Nothing here waits for a comparison with upstream, and 1,600 items twice a second would be most of the work."""

REAL_REGIONS = "440000,441700"
"""The real file is of another province than the county of these tests, and says whose it is only in its codes."""


@dataclass(frozen=True)
class RealImport:
    """The real file, checked and then imported into a county of its own."""

    county: EmbeddedCounty
    file: Path
    checked: Done
    checked_at: dict[str, int]
    done: Done


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Iterator[RealImport]:
    county = EmbeddedCounty(tmp_path_factory.mktemp("real"), env=HEADS)
    file = data / "gd-items-1600.jsonl"
    importing = ("import", file, "--format", "gd-portal", "--region", REAL_REGIONS, "--json")
    with running(county):
        checked = tongyuan(county, *importing, "--dry-run")
        checked_at = positions(county)
        yield RealImport(county, file, checked, checked_at, tongyuan(county, *importing))


def test_a_dry_run_of_the_real_file_promises_what_the_import_then_does_and_changes_nothing(real: RealImport) -> None:
    assert real.checked.code == WELL
    assert {**real.checked.json, "dry_run": False} == real.done.json
    assert set(real.checked_at.values()) == {0}


def test_the_whole_real_file_is_accepted(real: RealImport) -> None:
    assert real.done.code == WELL
    said = real.done.json
    assert (said["rows"], said["accepted"], said["rejected"], said["released"]) == (1600, 1600, 0, 3181)


def test_importing_the_real_file_again_releases_nothing(real: RealImport) -> None:
    until_shown(real.county)
    before = positions(real.county)
    again = tongyuan(real.county, "import", real.file, "--format", "gd-portal", "--region", REAL_REGIONS)
    assert again.code == WELL
    assert "1600 rows: 1600 accepted" in again.out
    assert "0 versions released, 3181 unchanged, 0 withdrawn" in again.out
    until_shown(real.county)
    assert positions(real.county) == before
    assert before["ledger"] == 3181
