"""However an import ends, its rows add up, and the same file again finishes it: nothing twice, nothing lost.

The report goes into a pipe that the test reads: the import cannot get further than the test lets it.
"""

import fcntl
import json
import os
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.harness.command import PROBLEM, WELL, tongyuan
from tests.harness.county import REPOSITORY, TONGYUAN, EmbeddedCounty, running
from tests.harness.importing import exchange_row

pytestmark = [pytest.mark.xdist_group("import-endings"), pytest.mark.timeout(600)]

ROWS = 600
"""Their outcomes do not fit into a pipe of `PIPE_BYTES` that nobody reads."""

PIPE_BYTES = 4096
SEEN = 150
"""Outcomes that the test reads before it strikes: more than one request has answered."""


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedCounty]:
    with running(EmbeddedCounty(tmp_path_factory.mktemp("county"))) as made:
        yield made


def file_of(folder: Path, first: int, name: str) -> Path:
    """Rows about items that no other test has, with a long note so that a line of the report is long too."""
    file = folder / "rows.jsonl"
    rows = (exchange_row(first + n, task_name=f"{name}第{n}号") for n in range(ROWS))
    file.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    return file


class Import:
    """An import that runs, and what its report has said so far."""

    def __init__(self, county: EmbeddedCounty, file: Path, pipe: Path) -> None:
        command = [*TONGYUAN, "import", str(file), "--format", "up-task", "--report", str(pipe), "--json"]
        self.process = subprocess.Popen(
            command, cwd=REPOSITORY, env=county.cli_env(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.lines: list[dict[str, Any]] = []
        self._pipe = pipe.open(encoding="utf-8")
        fcntl.fcntl(self._pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)

    def read(self, lines: int | None = None) -> None:
        """So many lines more; all that come when None. A line that was cut off is none."""
        for line in self._pipe:
            if line.endswith("\n"):
                self.lines.append(json.loads(line))
            if lines is not None and len(self.lines) >= lines:
                return

    def end(self) -> tuple[int, str]:
        """What is left of the report, the exit code, and what it said."""
        self.read()
        out, _ = self.process.communicate(timeout=120)
        return self.process.returncode, out

    @property
    def outcomes(self) -> Counter[str]:
        """Of the rows that the report names."""
        return Counter(line["outcome"] for line in self.lines if "outcome" in line)

    def close(self) -> None:
        self._pipe.close()
        self.process.kill()
        self.process.communicate(timeout=60)


@contextmanager
def importing(county: EmbeddedCounty, file: Path) -> Iterator[Import]:
    """Begun, and read so far that some requests are done and others are not."""
    pipe = file.parent / "report"
    os.mkfifo(pipe)
    begun = Import(county, file, pipe)
    try:
        begun.read(SEEN)
        yield begun
    finally:
        begun.close()


def finished(county: EmbeddedCounty, file: Path, known: int) -> None:
    """The same file again: what was done is found done, and every item has been released once."""
    again = tongyuan(county, "import", file, "--format", "up-task", "--json")

    assert again.code == WELL
    assert sum(again.json["outcomes"].values()) == ROWS
    assert again.json["outcomes"]["released"] + again.json["outcomes"]["unchanged"] == ROWS
    assert again.json["done_before"] == again.json["outcomes"]["unchanged"] >= known
    first = json.loads(file.read_text(encoding="utf-8").splitlines()[0])["task_code"]
    assert len(county.http("catalog").get(f"/catalog/v1/releases/item:{first}").json()) == 1


def test_an_import_that_is_killed_leaves_a_report_of_all_that_it_did(county: EmbeddedCounty, tmp_path: Path) -> None:
    file = file_of(tmp_path, 0, "甲")
    with importing(county, file) as begun:
        begun.process.kill()
        begun.read()

    assert begun.lines[0]["run"]["rows"] == ROWS
    assert set(begun.outcomes) == {"released"}
    assert SEEN - 1 <= sum(begun.outcomes.values()) < ROWS, "the others were not reached"
    finished(county, file, sum(begun.outcomes.values()))


def test_an_interrupted_import_says_how_many_rows_were_not_reached(county: EmbeddedCounty, tmp_path: Path) -> None:
    file = file_of(tmp_path, 2400, "乙")
    with importing(county, file) as begun:
        begun.process.send_signal(signal.SIGINT)
        code, out = begun.end()

    told = json.loads(out)
    assert (code, told["stopped"]) == (PROBLEM, "interrupted")
    assert sum(told["outcomes"].values()) == told["rows"] == ROWS
    assert told["outcomes"]["not_reached"] > 0
    assert begun.lines[-1]["end"]["outcomes"] == told["outcomes"]
    assert begun.outcomes == {name: n for name, n in told["outcomes"].items() if n and name != "not_reached"}
    finished(county, file, told["outcomes"]["released"])


def test_a_county_that_is_killed_meanwhile_costs_no_report(county: EmbeddedCounty, tmp_path: Path) -> None:
    file = file_of(tmp_path, 4800, "丙")
    rejects = tmp_path / "rejects.jsonl"
    with importing(county, file) as begun:
        county.kill("up")
        code, out = begun.end()
        county.restart("up")
        county.wait_ready("up")

    told = json.loads(out)
    assert code == PROBLEM
    assert "does not answer" in told["stopped"]
    assert sum(told["outcomes"].values()) == told["rows"] == ROWS
    assert told["outcomes"]["not_reached"] > 0
    assert not rejects.exists()
    finished(county, file, told["outcomes"]["released"])


def test_a_report_that_is_continued_says_that_the_run_before_was_broken_off(
    county: EmbeddedCounty, tmp_path: Path
) -> None:
    file = file_of(tmp_path, 7200, "丁")
    report = tmp_path / "kept.jsonl"
    with importing(county, file) as begun:
        begun.process.kill()
        begun.read()
    report.write_text("".join(json.dumps(line) + "\n" for line in begun.lines) + '{"row": 3', encoding="utf-8")
    again = tongyuan(county, "import", file, "--format", "up-task", "--report", report)

    done = sum(begun.outcomes.values())
    assert f"was interrupted: {done} of {ROWS} rows were finished" in again.out
    assert "were finished by an earlier run of this file" in again.out
    assert json.loads(report.read_text(encoding="utf-8").splitlines()[-1])["end"]["outcomes"]["not_reached"] == 0
