"""Asks for advisories about every locked version; ends with 1 for a weakness, and with 2 when nobody could be asked.

A source that cannot be reached, or that has nothing to say about a version that is known to be weak, would let
everything pass. So the known one is asked about first.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
KNOWN_WEAK = "jinja2==3.1.2"
WEAKNESS, NOBODY = 1, 2
SECONDS = 600


def asked(*arguments: str) -> subprocess.CompletedProcess[str]:
    """pip-audit, strict: what could not be looked up is an error."""
    command = [sys.executable, "-m", "pip_audit", "--strict", "--disable-pip", "--progress-spinner", "off", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)


def main(lock: Path) -> int:
    """Status 0 only when a source that knows weaknesses knows none of these."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as weak:
        weak.write(f"{KNOWN_WEAK}\n")
        weak.flush()
        found = asked("--no-deps", "-r", weak.name)
    if found.returncode == 0 or ("GHSA-" not in found.stdout + found.stderr and "PYSEC-" not in found.stdout):
        reason = found.stderr.strip().splitlines()[-1:] or ["no weakness reported"]
        sys.stderr.write(f"✗ nothing was audited: the source knows nothing of {KNOWN_WEAK}: {reason[0]}\n")
        return NOBODY
    answer = asked("--require-hashes", "-r", str(lock))
    sys.stdout.write(answer.stdout)
    sys.stderr.write(answer.stderr)
    return WEAKNESS if answer.returncode else 0


if __name__ == "__main__":
    sys.exit(main(ROOT / "requirements.lock"))
