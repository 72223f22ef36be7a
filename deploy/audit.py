"""Asks for advisories about every locked version; ends with 1 for a weakness, and with 2 when nobody could be asked.

`--if-reachable`, for `make lint`: nobody to ask is said in one line, and is no failure.

A source that cannot be reached, or that has nothing to say about a version that is known to be weak, would let
everything pass. So the known one is asked about first.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCKS = (ROOT / "requirements.lock", ROOT / "tests" / "harness" / "helm" / "requirements.lock")
KNOWN_WEAK = "jinja2==3.1.2"
WEAKNESS, NOBODY = 1, 2
SECONDS = 600
LINT_SECONDS = 180
KNOCK_SECONDS = 40
"""For the first question. Without a network it ends by itself, much sooner; where packets are dropped, here."""


def asked(*arguments: str, seconds: float = SECONDS) -> subprocess.CompletedProcess[str]:
    """pip-audit, strict: what could not be looked up is an error. Status 2 when it takes longer than `seconds`."""
    options = ["--strict", "--disable-pip", "--progress-spinner", "off", "--timeout", "10"]
    command = [sys.executable, "-m", "pip_audit", *options, *arguments]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=seconds)
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, NOBODY, "", f"no answer within {seconds:.0f} s")


def weak(answer: subprocess.CompletedProcess[str]) -> bool:
    """Whether it names a weakness; an answer that failed for another reason names none."""
    return answer.returncode != 0 and bool(re.search(r"GHSA-|PYSEC-|CVE-", answer.stdout + answer.stderr))


def nobody(why: str, answer: subprocess.CompletedProcess[str], *, if_reachable: bool) -> int:
    """Say in one line that nothing was audited; the status."""
    reason = answer.stderr.strip().splitlines()[-1:] or ["no weakness reported"]
    sys.stderr.write(f"{'!' if if_reachable else '✗'} nothing was audited because {why}: {reason[0]}\n")
    return 0 if if_reachable else NOBODY


def main(lock: Path, *, if_reachable: bool = False) -> int:
    """Status 0 only when a source that knows weaknesses knows none of these, or `if_reachable` and there is none."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write(f"{KNOWN_WEAK}\n")
        file.flush()
        found = asked("--no-deps", "-r", file.name, seconds=KNOCK_SECONDS)
    if not weak(found):
        return nobody(f"the source does not know {KNOWN_WEAK}", found, if_reachable=if_reachable)
    answer = asked("--require-hashes", "-r", str(lock), seconds=LINT_SECONDS if if_reachable else SECONDS)
    if answer.returncode and not weak(answer):
        return nobody("the source stopped answering or lacks one of our packages", answer, if_reachable=if_reachable)
    sys.stdout.write(answer.stdout)
    sys.stderr.write(answer.stderr)
    return WEAKNESS if answer.returncode else 0


if __name__ == "__main__":
    sys.exit(max(main(lock, if_reachable="--if-reachable" in sys.argv[1:]) for lock in LOCKS))
