"""What we are made of, and whether somebody was asked about it."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
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
