"""The list of commands: it says of each what the command says of itself, and loads none of them."""

import subprocess
import sys

from typer.main import get_command

from services.cli.app import COMMANDS, SUMMARIES, app
from tests.harness.county import REPOSITORY

LISTING = """
import sys
from services.cli.app import app
try:
    app(["--help"])
except SystemExit:
    sys.stderr.write(" ".join(name for name in sys.modules if name.startswith(("services.", "shared."))))
"""


def test_the_list_says_what_each_command_says_of_itself() -> None:
    commands = get_command(app).commands
    said = {name: " ".join(commands[name].help.split("\n\n")[0].split()) for name in COMMANDS}

    assert said == SUMMARIES


def test_the_list_loads_no_command() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LISTING], cwd=REPOSITORY, capture_output=True, text=True, check=True, timeout=120
    )

    assert all(name in done.stdout for name in COMMANDS)
    assert done.stderr.split() == ["services.cli", "services.cli.app"]
