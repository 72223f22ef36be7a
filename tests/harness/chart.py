"""Renders the chart of deploy/helm, with packages that are installed outside the repository on first use."""

import fcntl
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.harness.compose import REPOSITORY
from tests.harness.packages import MissingPackageError

CHART = REPOSITORY / "deploy" / "helm" / "tongyuan"
COUNTY = REPOSITORY / "deploy" / "helm" / "county.yaml"
PROGRAM = Path(__file__).parent / "helm" / "render.py"
LOCK = PROGRAM.with_name("requirements.lock")
VERSIONS = ("1.29", "1.37")
"""Of Kubernetes: the oldest that the chart names, and the newest whose schemas the tests have."""

INSTALLED = "installed"


@cache
def packages() -> Path:
    """Return a folder with the packages of the lock. Raises `MissingPackageError` when they cannot be fetched."""
    # Some of the packages are built for one version of Python.
    named = hashlib.sha256(LOCK.read_bytes() + sys.version.encode()).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()) / f"tongyuan-helm-{os.geteuid()}-{named}"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / INSTALLED).exists():
            options = ["--no-input", "--progress-bar", "off", "--no-deps", "--require-hashes", "--only-binary", ":all:"]
            # `--upgrade` replaces what an interrupted run has left.
            command = [
                sys.executable,
                "-m",
                "pip",
                "install",
                *options,
                "--upgrade",
                "--target",
                str(folder),
                "-r",
                str(LOCK),
            ]
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=500)
            if done.returncode:
                raise MissingPackageError(f"pip install failed for {LOCK}:\n{done.stdout}{done.stderr}")
            (folder / INSTALLED).touch()
    return folder


def county(**changes: Any) -> dict[str, Any]:
    """Return the values of the example, with changes: `tls__enabled=True` is `tls: {enabled: true}`."""
    values: dict[str, Any] = yaml.safe_load(COUNTY.read_text(encoding="utf-8"))
    for path, value in changes.items():
        *folders, last = path.split("__")
        place = values
        for one in folders:
            place = place.setdefault(one, {})
        place[last] = value
    return values


def render(
    runs: Mapping[str, Any], versions: tuple[str, ...] = VERSIONS, extra: tuple[Any, ...] = ()
) -> dict[str, Any]:
    """Return what Helm makes of the chart with the values of each run; see `tests/harness/helm/render.py`."""
    asked = {"chart": str(CHART), "runs": runs, "versions": versions, "extra": extra}
    done = subprocess.run(
        [sys.executable, str(PROGRAM)],
        input=json.dumps(asked),
        env={**os.environ, "PYTHONPATH": str(packages())},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


class Manifests:
    """The manifests of one run."""

    def __init__(self, run: Mapping[str, Any]) -> None:
        assert "error" not in run, run["error"]
        self.text: str = run["text"]
        self.all: list[dict[str, Any]] = [one["manifest"] for one in run["manifests"]]

    def of(self, *kinds: str) -> dict[str, dict[str, Any]]:
        """Return the manifests of these kinds by name."""
        return {one["metadata"].get("name", ""): one for one in self.all if one["kind"] in kinds}

    def pods(self) -> dict[str, dict[str, Any]]:
        """Return the pod of each process, job and gateway by name."""
        made = self.of("Deployment", "StatefulSet", "Job")
        return {name: one["spec"]["template"]["spec"] for name, one in made.items()}

    def containers(self) -> dict[str, dict[str, Any]]:
        """Return the one container of each pod by the name of its process."""
        return {name: pod["containers"][0] for name, pod in self.pods().items()}


def environment(container: Mapping[str, Any], secrets: Mapping[str, str]) -> dict[str, str]:
    """Return the environment that Kubernetes gives to a container, with the Secret's values put in."""
    found: dict[str, str] = {}
    for one in container.get("env", []):
        assert one["name"] not in found, f"{one['name']} stands twice"
        value = secrets[one["valueFrom"]["secretKeyRef"]["key"]] if "valueFrom" in one else one["value"]
        for name, known in found.items():
            value = value.replace(f"$({name})", known)
        found[one["name"]] = value
    return found


def edges(policies: Mapping[str, Mapping[str, Any]], direction: str) -> Iterator[tuple[str, str]]:
    """Yield (caller, callee) of every pod of the release that a policy lets through. `direction`: ingress, egress."""
    side = "from" if direction == "ingress" else "to"
    for name, policy in policies.items():
        for rule in policy["spec"].get(direction) or []:
            for peer in rule[side]:
                labels = peer.get("podSelector", {}).get("matchLabels", {})
                if other := labels.get("app.kubernetes.io/component"):
                    yield (other, name) if direction == "ingress" else (name, other)
