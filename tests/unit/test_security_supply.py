"""What we are made of, and whether somebody was asked about it."""

import json
import os
import re
import runpy
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
QUICK = """
import runpy, sys
audit = runpy.run_path("deploy/audit.py")
audit["main"].__globals__["KNOCK_SECONDS"] = 3
sys.exit(audit["main"](audit["ROOT"] / "requirements.lock", if_reachable="--if-reachable" in sys.argv))
"""
"""The program with less patience."""

SBOM = ROOT / "docs" / "security" / "sbom.json"


def test_the_list_of_components_is_the_locks():
    document = json.loads(SBOM.read_text(encoding="utf-8"))
    listed = {(one["name"].lower(), one["version"]) for one in document["components"]}
    assert listed == {(name.lower(), version) for name, version in re.findall(r"^([\w.-]+)==(\S+)", LOCK, re.MULTILINE)}
    for one in document["components"]:
        (block,) = re.findall(rf"^{re.escape(one['name'])}==.*?(?=^\w|\Z)", LOCK, re.MULTILINE | re.DOTALL)
        assert sorted(part["content"] for part in one["hashes"]) == sorted(re.findall(r"sha256:([0-9a-f]{64})", block))


def test_an_audit_without_a_source_of_advisories_fails_and_says_so():
    nowhere = {**os.environ, "HTTPS_PROXY": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9", "NO_PROXY": ""}
    command = [sys.executable, "deploy/audit.py"]
    done = subprocess.run(command, cwd=ROOT, env=nowhere, capture_output=True, text=True, check=False, timeout=200)
    assert done.returncode == 2
    assert "nothing was audited" in done.stderr


def test_lint_says_that_nothing_was_audited_and_passes_when_nobody_can_be_asked():
    """A source that takes the connection and never answers is the worst of them: it is waited for with an end."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        nowhere = {**os.environ, "HTTPS_PROXY": address, "https_proxy": address, "NO_PROXY": ""}
        command = [sys.executable, "-c", QUICK, "--if-reachable"]
        done = subprocess.run(command, cwd=ROOT, env=nowhere, capture_output=True, text=True, check=False, timeout=200)
    assert done.returncode == 0
    assert done.stderr.startswith("! nothing was audited")
    assert len(done.stderr.splitlines()) == 1
    assert "deploy/audit.py --if-reachable" in (ROOT / "Makefile").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("code", "said", "status", "line"),
    [
        (1, "jinja2 GHSA-aaaa-bbbb-cccc", 1, ""),
        (0, "", 0, ""),
        (1, "", 0, "! nothing was audited: the source went away"),
    ],
)
def test_a_weakness_fails_lint_where_somebody_can_be_asked(monkeypatch, capsys, code, said, status, line):
    def asked(*arguments, seconds=0):
        known = subprocess.CompletedProcess([], 1, "jinja2 GHSA-h5c8-rqwp-cp95", "")
        return known if "--no-deps" in arguments else subprocess.CompletedProcess([], code, said, "")

    audit = runpy.run_path(str(ROOT / "deploy" / "audit.py"))
    monkeypatch.setitem(audit["main"].__globals__, "asked", asked)
    assert audit["main"](ROOT / "requirements.lock", if_reachable=True) == status
    assert capsys.readouterr().err.startswith(line)
