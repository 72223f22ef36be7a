"""The code itself: what it must not call, and how much of the security pages is implemented."""

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

pytestmark = pytest.mark.lint
ROOT = Path(__file__).resolve().parents[3]
CODE = [file for folder in ("contracts", "shared", "services") for file in sorted((ROOT / folder).rglob("*.py"))]
PAGES = sorted((ROOT / "docs" / "security").glob("*.md"))
NAMED = re.compile(r"`((?:unit|contract|integration|faults)/(?:\w+/)?test_\w+\.py)::(test_\w+)`")
# Requirements of ASVS 5.0.0 at levels 1 and 2; they have no holes within a section.
POINTS = {
    "1.1": 2, "1.2": 9, "1.3": 11, "1.4": 3, "1.5": 2, "2.1": 3, "2.2": 3, "2.3": 4, "2.4": 1, "3.2": 2, "3.3": 4,
    "3.4": 6, "3.5": 5, "3.7": 2, "4.1": 3, "4.2": 1, "4.3": 2, "4.4": 4, "5.1": 1, "5.2": 3, "5.3": 2, "5.4": 3,
    "6.1": 3, "6.2": 12, "6.3": 4, "6.4": 4, "6.5": 5, "6.6": 3, "6.8": 4, "7.1": 3, "7.2": 4, "7.3": 2, "7.4": 5,
    "7.5": 2, "7.6": 2, "8.1": 2, "8.2": 3, "8.3": 1, "8.4": 1, "9.1": 3, "9.2": 4, "10.1": 2, "10.2": 2, "10.3": 4,
    "10.4": 11, "10.5": 5, "10.6": 2, "10.7": 3, "11.1": 2, "11.2": 3, "11.3": 3, "11.4": 4, "11.5": 1, "11.6": 1,
    "12.1": 3, "12.2": 2, "12.3": 4, "13.1": 1, "13.2": 5, "13.3": 2, "13.4": 5, "14.1": 2, "14.2": 4, "14.3": 3,
    "15.1": 3, "15.2": 3, "15.3": 7, "16.1": 1, "16.2": 5, "16.3": 4, "16.4": 3, "16.5": 3, "17.1": 1, "17.2": 4,
    "17.3": 2,
}  # fmt: skip


def called(file: Path) -> set[str]:
    """Return the dotted names that a module calls or imports."""
    return names_in(file.read_text(encoding="utf-8"))


def names_in(code: str) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Call):
            names.add(ast.unparse(node.func))
        elif isinstance(node, ast.Import):
            names |= {f"import {alias.name}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"import {node.module}", *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_test_that_a_security_page_names_exists(page: Path) -> None:
    for file, test in NAMED.findall(page.read_text(encoding="utf-8")):
        path = ROOT / "tests" / file
        assert path.exists(), file
        assert re.search(rf"def {test}\(", path.read_text(encoding="utf-8")), f"{file}::{test}"


def test_every_point_of_level_2_is_answered_once() -> None:
    page = (ROOT / "docs" / "security" / "asvs.md").read_text(encoding="utf-8")
    told: Counter[str] = Counter()
    for row in re.findall(r"^\| (\d[^|]*)\|", page, flags=re.MULTILINE):
        for first, last in re.findall(r"(\d+\.\d+\.\d+)(?:–\d+\.\d+\.(\d+))?", row):
            section, _, number = first.rpartition(".")
            told.update(f"{section}.{n}" for n in range(int(number), int(last or number) + 1))
    assert told == Counter(f"{section}.{n}" for section, most in POINTS.items() for n in range(1, most + 1))


def test_every_row_has_a_verdict_that_its_reason_fits() -> None:
    page = (ROOT / "docs" / "security" / "asvs.md").read_text(encoding="utf-8")
    for row in re.findall(r"^\| \d.*$", page, flags=re.MULTILINE):
        _, _, _, verdict, reason, _ = (part.strip() for part in row.split("|"))
        assert verdict in ("✓", "—", "○"), row
        assert len(reason) > 5, row


def test_no_service_starts_a_program_but_openssl_or_runs_text_as_code() -> None:
    """OpenSSL (ADR 0025) is off by default; tests of it check that no text from outside is an argument."""
    forbidden = {"eval", "exec", "compile", "os.system", "os.popen", "import subprocess", "import pty", "import ctypes"}
    found = {str(file.relative_to(ROOT)): bad for file in CODE if (bad := called(file) & forbidden)}
    # The allocator is configured by two functions of the C library, with our own arguments.
    # An adapter of the conformance kit is what somebody names on the command line; no service imports the kit.
    allowed = {
        "contracts/conformance/adapter_process.py": {"import subprocess"},
        "services/ledger/signing/sm2_signature.py": {"import subprocess"},
        "shared/process_memory.py": {"import ctypes"},
    }
    assert found == allowed


def test_nothing_reads_pickles_and_yaml_is_read_safely() -> None:
    forbidden = {
        "import pickle",
        "import marshal",
        "import shelve",
        "import dill",
        "yaml.unsafe_load",
        "yaml.full_load",
    }
    for file in CODE:
        names = called(file)
        assert not names & forbidden, file
        assert "yaml.load" not in names or file.name == "csv_mapping.py", file


WEAK = {"hashlib.md5", "hashlib.sha1", "hashlib.new", "random.random", "random.choice", "random.randint"}


def test_no_weak_hash_is_used() -> None:
    for file in CODE:
        assert not called(file) & WEAK, file


@pytest.mark.parametrize(
    "code",
    [
        "import hashlib\nhashlib.md5(b'')",
        "from hashlib import md5",
        "from hashlib import sha1 as digest",
        "from random import choice",
    ],
)
def test_a_weak_hash_is_seen_however_it_is_imported(code: str) -> None:
    assert names_in(code) & WEAK
