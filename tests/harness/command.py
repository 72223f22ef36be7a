"""The command `tongyuan` beside a running county: in this process where it soon ends, else as a process of its own."""

import json
import subprocess
from dataclasses import dataclass
from typing import Any

from typer.testing import CliRunner

from services.cli.app import app
from tests.harness.county import REPOSITORY, TONGYUAN, County

WELL, PROBLEM, USAGE = 0, 1, 2
WIDE = {"COLUMNS": "300"}


@dataclass(frozen=True)
class Done:
    """What a command said, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it said, as a script reads it."""
        return json.loads(self.out)

    @property
    def complaint(self) -> str:
        """The one line with a cross; a traceback or a second line is a failure."""
        lines = self.err.strip().splitlines()
        assert len(lines) == 1, self.err
        assert lines[0].startswith("✗ "), self.err
        return lines[0]


def tongyuan(county: County, *arguments: object, **env: str) -> Done:
    """Run a command, `env` in place of the county's own settings. An exception that it lets through is ours."""
    settings = {**WIDE, **_settings(county), **env}
    done = CliRunner(env=settings).invoke(app, [str(argument) for argument in arguments], prog_name="tongyuan")
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return Done(done.exit_code, done.stdout, done.stderr)


def process(county: County, *arguments: object, **env: str) -> Done:
    """The same as a process of its own: for commands that take the process over."""
    done = subprocess.run(
        [*TONGYUAN, *map(str, arguments)],
        cwd=REPOSITORY,
        env={**county.cli_env(), **WIDE, **env},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def _settings(county: County) -> dict[str, str]:
    return {name: value for name, value in county.cli_env().items() if name.startswith("TONGYUAN_")}
