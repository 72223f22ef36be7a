"""Dependencies: what they are, and whether they were audited."""

import hashlib
import json
import os
import re
import runpy
import socket
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
LOCK = (ROOT / "runtime.lock").read_text(encoding="utf-8")
QUICK = """
import runpy, sys
audit = runpy.run_path("deploy/audit.py")
audit["main"].__globals__["KNOCK_SECONDS"] = 3
sys.exit(audit["main"](audit["ROOT"] / "requirements.lock", if_reachable="--if-reachable" in sys.argv))
"""
"""The program with a shorter timeout."""

SBOM = ROOT / "docs" / "security" / "sbom.json"
KNOWN = {
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSD-4-Clause",
    "ISC",
    "LGPL-2.1-or-later",
    "LGPL-3.0-only",
    "MIT",
    "MIT-0",
    "MPL-2.0",
    "PSF-2.0",
}
"""Licences under which a county may run it, each reviewed; a new one needs a decision by people."""


def test_the_lock_of_what_runs_is_made_of_the_other_and_holds_no_tool():
    maker = runpy.run_path(str(ROOT / "deploy" / "runtime_lock.py"))
    assert maker["made"](ROOT / "pyproject.toml", ROOT / "requirements.lock") == LOCK
    tools = {re.split(r"[<>= ]", line)[0].lower() for line in project()["optional-dependencies"]["dev"]}
    named = {name.lower() for name in re.findall(r"^([\w.-]+)==", LOCK, re.MULTILINE)}
    assert named & tools == {"websockets"}, "uvicorn has it too"
    assert "deploy/runtime_lock.py" in (ROOT / "Makefile").read_text(encoding="utf-8")


def test_the_licence_is_there_and_named():
    assert (project()["license"], project()["license-files"]) == ("Apache-2.0", ["LICENSE", "NOTICE"])
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License\n                           Version 2.0, January 2004" in text
    assert "9. Accepting Warranty or Additional Liability" in text
    assert "Apache License, Version 2.0" in (ROOT / "NOTICE").read_text(encoding="utf-8")


def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_every_component_has_a_licence_that_spdx_knows():
    document = json.loads(SBOM.read_text(encoding="utf-8"))
    for one in document["components"]:
        (licence,) = one["licenses"]
        expression = licence.get("expression") or licence["license"]["id"]
        names = re.findall(r"[\w.-]+", expression.replace(" AND ", " ").replace(" OR ", " "))
        assert names, one["name"]
        for name in names:
            assert name in KNOWN, f"{one['name']}: {name}"


def test_a_component_whose_licence_nobody_knows_fails_the_check_by_name(monkeypatch, capsys):
    sbom = runpy.run_path(str(ROOT / "deploy" / "sbom.py"))
    monkeypatch.setitem(sbom["main"].__globals__, "READ", {})
    assert sbom["main"](check=True) == 1
    said = capsys.readouterr().err
    assert "unknown licence: amqp " in said
    assert "pyrage" in said
    assert sbom["licence"]("jinja2", "0.0.1") is None, "what is installed is another version"
    assert sbom["licence"]("no-such-component", "1") is None


def test_the_list_of_components_is_the_locks():
    document = json.loads(SBOM.read_text(encoding="utf-8"))
    installed = [one for one in document["components"] if one["purl"].startswith("pkg:pypi/")]
    listed = {(one["name"].lower(), one["version"]) for one in installed}
    assert listed == {(name.lower(), version) for name, version in re.findall(r"^([\w.-]+)==(\S+)", LOCK, re.MULTILINE)}
    for one in installed:
        (block,) = re.findall(rf"^{re.escape(one['name'])}==.*?(?=^\w|\Z)", LOCK, re.MULTILINE | re.DOTALL)
        assert sorted(part["content"] for part in one["hashes"]) == sorted(re.findall(r"sha256:([0-9a-f]{64})", block))


def test_a_file_of_others_is_listed_unchanged_and_its_licence_lies_beside_it():
    document = json.loads(SBOM.read_text(encoding="utf-8"))
    vendored = {one["bom-ref"]: one for one in document["components"] if not one["purl"].startswith("pkg:pypi/")}
    assert {str(path.relative_to(ROOT)) for path in (ROOT / "services").rglob("*.min.*")} == set(vendored)
    for name, one in vendored.items():
        file = ROOT / name
        assert [part["content"] for part in one["hashes"]] == [hashlib.sha256(file.read_bytes()).hexdigest()]
        assert one["version"] in (ROOT / "NOTICE").read_text(encoding="utf-8")
        assert file.with_name(f"{one['name']}.LICENSE.txt").exists()


def test_an_audit_without_a_source_of_advisories_fails_and_says_so():
    nowhere = {**os.environ, "HTTPS_PROXY": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9", "NO_PROXY": ""}
    command = [sys.executable, "deploy/audit.py"]
    done = subprocess.run(command, cwd=ROOT, env=nowhere, capture_output=True, text=True, check=False, timeout=200)
    assert done.returncode == 2
    assert "nothing was audited" in done.stderr


def test_lint_says_that_nothing_was_audited_and_passes_when_nobody_can_be_asked():
    """The worst case is a source that accepts the connection and never answers: the wait is bounded."""
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
        (1, "", 0, "! nothing was audited because the source stopped answering"),
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
