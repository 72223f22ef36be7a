"""Runs `tongyuan` against a running county: in this process if the command ends soon, else as its own process."""

import json
import subprocess
from dataclasses import dataclass
from typing import Any

from typer.testing import CliRunner

from services.cli.app import app
from tests.harness.county import CHANNELS, REPOSITORY, TONGYUAN, County, wait_for

WELL, PROBLEM, USAGE = 0, 1, 2
WIDE = {"COLUMNS": "300"}


@dataclass(frozen=True)
class Done:
    """Output and exit code of a command."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The output parsed as JSON."""
        return json.loads(self.out)

    @property
    def complaint(self) -> str:
        """The one error line; a traceback or a second line is a failure."""
        lines = self.err.strip().splitlines()
        assert len(lines) == 1, self.err
        assert lines[0].startswith("✗ "), self.err
        return lines[0]


def tongyuan(county: County, *arguments: object, **env: str) -> Done:
    """Run a command with `env` over the county's settings. An exception that it raises is a bug of ours."""
    settings = {**WIDE, **_settings(county), **env}
    done = CliRunner(env=settings).invoke(app, [str(argument) for argument in arguments], prog_name="tongyuan")
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return Done(done.exit_code, done.stdout, done.stderr)


def process(county: County, *arguments: object, **env: str) -> Done:
    """Like `tongyuan`, as its own process: for commands that do not return."""
    done = subprocess.run(
        [*TONGYUAN, *map(str, arguments)],
        cwd=REPOSITORY,
        env={**county.cli_env(), **WIDE, **env},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def until_shown(county: County) -> None:
    """Wait until everything released has reached every channel, and `status` finds the county well."""

    def shown() -> bool:
        size = county.http("ledger").get("/ledger/v1/head").json()["size"]
        marks = [county.http(name).get(f"/{name}/v1/position").json() for name in CHANNELS]
        return all(mark["position"] >= size for mark in marks) and tongyuan(county, "status").code == WELL

    wait_for(shown, "everything is shown")


def positions(county: County) -> dict[str, int]:
    """Return the position of every part that has one, as `status` tells it."""
    parts = tongyuan(county, "status", "--json").json["parts"]
    return {name: part["position"] for name, part in parts.items() if part["position"] is not None}


def _settings(county: County) -> dict[str, str]:
    return {name: value for name, value in county.cli_env().items() if name.startswith("TONGYUAN_")}
