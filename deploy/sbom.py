"""Writes docs/security/sbom.json: every locked component with its version and hashes, as CycloneDX; `--check` compares.

Where a component came from is left out: that depends on the machine, and the hashes say which file it was.
"""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "docs" / "security" / "sbom.json"


def made(lock: Path) -> str:
    """The document for `lock`, always the same bytes."""
    command = [sys.executable, "-m", "cyclonedx_py", "requirements", "--output-reproducible", "--sv", "1.6", str(lock)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300).stdout
    document = json.loads(printed)
    document["metadata"].pop("tools", None)
    for component in document["components"]:
        references = component.pop("externalReferences", [])
        hashes = {one["content"]: one for reference in references for one in reference.get("hashes", [])}
        component["hashes"] = [hashes[content] for content in sorted(hashes)]
        component.pop("description", None)
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def main(check: bool) -> int:
    """Status 1 when `check` finds the file stale."""
    text = made(ROOT / "requirements.lock")
    if check and (not TARGET.exists() or TARGET.read_text(encoding="utf-8") != text):
        sys.stderr.write("docs/security/sbom.json: stale; make sbom\n")
        return 1
    if not check:
        TARGET.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv[1:]))
