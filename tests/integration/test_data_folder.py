"""A county's whole life, and every file that it leaves behind: nobody else on the machine may read one."""

import os
import stat
from pathlib import Path

import pytest

from services.runtime.manifests import SERVICES
from tests.harness.command import PROBLEM, WELL, process
from tests.harness.county import EmbeddedCounty, running, wait_for

OTHERS_MAY_READ = 0o022
"""The umask that most machines begin with; the county's processes get it from us."""

ROWS = '{"task_code": "x"}\n{"task_name": "坏"}\n'
"""Of the national exchange, and all of them rejected: each is quoted in the papers that an import writes."""


@pytest.fixture
def county(tmp_path):
    before = os.umask(OTHERS_MAY_READ)
    made = EmbeddedCounty(tmp_path, "--demo")
    for name in ("TONGYUAN_ADMIN_TOKEN", "TONGYUAN_SERVICE_TOKEN"):
        del made.env[name]
    with running(made):
        yield made
    os.umask(before)


def open_to_others(folder: Path) -> dict[str, str]:
    """Every file and folder, folders' own mode too, that somebody else may read, write or enter."""
    modes = {path: path.lstat().st_mode for path in (folder, *folder.rglob("*"))}
    return {str(path): oct(stat.S_IMODE(mode)) for path, mode in modes.items() if mode & 0o077}


def well(county: EmbeddedCounty, *arguments: object) -> str:
    done = process(county, *arguments)
    assert done.code == WELL, done.err
    return done.out


def test_nothing_that_a_county_writes_in_its_life_can_be_read_by_others(county, tmp_path):
    data, papers = tmp_path / "data", tmp_path / "papers"
    papers.mkdir(mode=0o700)
    wait_for((data / "portal.db-wal").exists, "stores have journals")
    assert open_to_others(data) == {}

    (papers / "items.jsonl").write_text(ROWS)
    written = [f"--{name}={papers / name}" for name in ("rejects", "warnings", "report")]
    assert process(county, "import", papers / "items.jsonl", "--format=up-task", *written).code == PROBLEM
    file = papers / "county.backup"
    well(county, "backup", file)
    for name in ("rejects", "warnings", "report", file.name):
        assert stat.S_IMODE((papers / name).stat().st_mode) == 0o600, name
    county.kill("up")
    assert open_to_others(data) == {}, "what a kill leaves behind"

    well(county, "restore", file, "--force", "--set-back")
    assert [path.name for path in data.glob("replaced-*/*.db")], "what was there is kept aside"
    assert open_to_others(data) == {}
    for store in data.glob("*.db"):  # as an earlier version left them
        store.chmod(0o644)
    data.chmod(0o755)
    county.start()
    told = f"{len(SERVICES)} files and 1 folders were open to other users of this machine"
    assert told in county.log("up"), "as of an earlier version"
    assert open_to_others(data) == {}

    pages = tmp_path / "pages"
    well(county, "export", "portal", pages)
    modes = {path.is_dir(): stat.S_IMODE(path.stat().st_mode) for path in (pages, *pages.rglob("*"))}
    assert modes == {True: 0o755, False: 0o644}, "an export is for everybody"
