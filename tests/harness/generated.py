"""A client generated from an OpenAPI document by a maintained generator, as an integrator would; no code of ours."""

import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

from tests.harness.documents import CONTRACTS

NOT_JSON = ("/v1/rebuild", "/v1/drill", "/files/{code}/{file_name}")
"""Routes that the generator cannot read and reports: multi-line answers for operators, and files."""


def generated(service: str, folder: Path) -> str:
    """Generate a package in `folder`, which must be on the path, and return its name. Fails on warnings."""
    name = f"{service}_client"
    config = folder / "generator.yaml"
    config.write_text("post_hooks: []\n")
    document = CONTRACTS / "openapi" / f"{service}.json"
    command = [sys.executable, "-m", "openapi_python_client", "generate", "--path", str(document), "--meta", "none"]
    made = subprocess.run(
        [*command, "--output-path", str(folder / name), "--config", str(config)],
        capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    complaints = [line for line in (made.stdout + made.stderr).splitlines() if line.startswith("WARNING")]
    assert not [line for line in complaints if not any(path in line for path in NOT_JSON)], complaints
    return name


def operation(package: str, tag: str, name: str) -> ModuleType:
    """Return the module of an operation; `sync_detailed` calls it."""
    return import_module(f"{package}.api.{tag}.{name}")
