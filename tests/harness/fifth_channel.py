"""A copy of the program to which one folder has been added: the channel `hotline` of tests/contract/hotline."""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.harness import callers
from tests.harness.county import REPOSITORY, EmbeddedCounty, ProductionCounty, is_worker
from tests.harness.ports import free_port

NAME = "hotline"
FIXTURE = REPOSITORY / "tests" / "contract" / NAME
BEING_WRITTEN = shutil.ignore_patterns("*.pyc.*")
"""Python writes bytecode to such a file first; it may be gone before it is copied."""

IN_TURN = """
import runpy, sys
_, modules, *arguments = sys.argv
for module in modules.split(","):
    sys.argv = [module, *arguments]
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        if ended.code:
            raise
"""
COPIED = ("contracts", "shared", "services", "deploy", "docs/operating", "docker-compose.yml", "docker-compose.tls.yml")


def program_with_hotline(folder: Path) -> Path:
    """Copy the program into `folder`, and the channel into its place; touch nothing else. Return the folder.

    Bytecode is copied, too: it counts for a file of the same size and time, and every process would compile otherwise.
    """
    for name in COPIED:
        source = REPOSITORY / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=BEING_WRITTEN)
        else:
            shutil.copy(source, folder / name)
    shutil.copytree(FIXTURE, folder / "services" / "channels" / NAME, ignore=BEING_WRITTEN)
    return folder


def run(program: Path, module: str, *arguments: str) -> str:
    """Run `python -m MODULE …` of this program; return what it prints."""
    return _run(program, "-m", module, *arguments)


def run_each(program: Path, modules: Sequence[str], *arguments: str) -> str:
    """Run the modules one after the other in one process, which imports the program once; return what they print."""
    return _run(program, "-c", IN_TURN, ",".join(modules), *arguments)


def _run(program: Path, *arguments: str) -> str:
    env = {"PYTHONPATH": str(program)}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=program, env=env, capture_output=True, text=True, check=True).stdout


class EmbeddedHotline(EmbeddedCounty):
    """`tongyuan up` of a program with five channels."""

    def __init__(self, folder: Path, program: Path) -> None:
        super().__init__(folder, env={"PYTHONPATH": str(program)})
        self.repository = program


class ProductionHotline(ProductionCounty):
    """What a release passes on its way to the fifth channel, over a broker and PostgreSQL."""

    def __init__(self, folder: Path, program: Path, amqp_url: str, database_url: str) -> None:
        super().__init__(folder, amqp_url, database_url, {"PYTHONPATH": str(program)})
        self.repository = program
        self.ports |= {NAME: free_port(), f"{NAME}-worker": free_port()}
        self.env["TONGYUAN_HOTLINE_URL"] = self.url(NAME)

    @property
    def names(self) -> list[str]:
        return ["catalog", "ledger", NAME, "ledger-worker", f"{NAME}-worker"]

    def env_of(self, name: str) -> dict[str, str]:
        if not name.startswith(NAME):
            known = super().env_of(name)
            own = map(callers.public_key_of, (NAME, f"{NAME}-worker"))
            return {**known, "TONGYUAN_CALLERS": ",".join((known["TONGYUAN_CALLERS"], *own))}
        port = "TONGYUAN_METRICS_PORT" if is_worker(name) else "TONGYUAN_PORT"
        given = {port: str(self.ports[name]), "TONGYUAN_CALLER_KEY": callers.key_of(name)}
        return {**self._common(), **given, "TONGYUAN_CALLERS": callers.public_key_of("operator")}
