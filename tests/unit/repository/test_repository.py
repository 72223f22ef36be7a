"""The repository's own rules: what a reviewer would otherwise have to count, search and compare by hand."""

import ast
import graphlib
import re
import subprocess
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import grimp
import pytest
import yaml

pytestmark = pytest.mark.lint
ROOT = Path(__file__).resolve().parents[3]
PACKAGES = ("contracts", "shared", "services")
CODE = {".py", ".sh", ".js", ".css", ".html"}
TEXT = {
    *CODE,
    ".md",
    ".toml",
    ".yml",
    ".yaml",
    ".json",
    ".jsonl",
    ".csv",
    ".txt",
    ".lock",
    ".mako",
    ".ini",
    ".conf",
    "",
}
NOT_OURS = {".git", ".venv", "data", "build", "node_modules", "__pycache__"}
MAX_LINES_OF_FILE = 300
MAX_LINES_OF_FUNCTION = 50
MAX_MODULES = 15
# Alembic loads these by path and names them itself.
LOADED_BY_PATH = {"migrations", "versions"}

# Spelled with spaces, so that this file does not find itself.
MACHINE_PATHS = tuple(path.replace(" ", "") for path in ("/ work/", "/ root/", "/opt/ pypi", ". pyenv/"))
REGISTRY_HOSTS = tuple(
    host.replace(" ", "")
    for host in (
        "pypi .org",
        "python hosted.org",
        "registry. npmjs",
        "deb. debian.org",
        "security. debian.org",
        "crates .io",
        "proxy. golang.org",
        "repo. maven",
    )
)

Function = ast.FunctionDef | ast.AsyncFunctionDef


def test_no_file_of_code_is_longer_than_300_lines() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in files(CODE)
        if not in_tests(path) and (lines := len(path.read_text().splitlines())) > MAX_LINES_OF_FILE
    }

    assert long == {}


def test_no_function_is_longer_than_50_lines() -> None:
    long = {
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}": lines
        for path in files({".py"})
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, Function) and (lines := length(node)) > MAX_LINES_OF_FUNCTION
    }

    assert long == {}


def test_every_module_opens_with_a_sentence() -> None:
    silent = [str(path.relative_to(ROOT)) for path in modules() if not ast.get_docstring(ast.parse(path.read_text()))]

    assert silent == []


def test_every_folder_with_modules_is_a_package() -> None:
    folders = {path.parent for path in modules() if path.parent.name not in LOADED_BY_PATH}

    assert [str(folder.relative_to(ROOT)) for folder in folders if not (folder / "__init__.py").exists()] == []


def test_a_folder_holds_at_most_15_modules() -> None:
    counted = Counter(path.parent for path in modules() if path.parent.name not in LOADED_BY_PATH)
    counted.subtract({folder: 1 for folder in counted if (folder / "__init__.py").exists()})

    assert {str(folder.relative_to(ROOT)): count for folder, count in counted.items() if count > MAX_MODULES} == {}


def test_no_module_imports_itself_by_way_of_others() -> None:
    graph = grimp.build_graph(*PACKAGES)
    order = graphlib.TopologicalSorter({name: graph.find_modules_directly_imported_by(name) for name in graph.modules})

    order.prepare()


def test_a_channel_is_imported_by_no_other_channel_and_by_nothing_that_channels_share() -> None:
    graph = grimp.build_graph("services")
    channels = {f"services.channels.{path.parent.name}" for path in (ROOT / "services/channels").glob("*/manifest.py")}
    inside = {module for module in graph.modules if module.startswith("services.channels.")}
    foreign = {
        f"{importer} imports {module}"
        for channel in channels
        for module in inside & {channel, *graph.find_descendants(channel)}
        for importer in graph.find_modules_that_directly_import(module) & inside
        if importer != channel and not importer.startswith(f"{channel}.")
    }

    assert len(channels) >= 4
    assert foreign == set()


def test_a_folder_of_channels_is_a_channel_or_one_that_they_share() -> None:
    folders = {path.parent.name for path in (ROOT / "services" / "channels").glob("*/__init__.py")}
    channels = {path.parent.name for path in (ROOT / "services" / "channels").glob("*/manifest.py")}

    assert folders - channels == {"api", "core", "files", "pages", "recovery", "search", "text", "trust"}


def test_no_file_names_a_path_of_a_developers_machine() -> None:
    assert mentions(MACHINE_PATHS) == []


def test_no_file_names_a_package_registry() -> None:
    assert mentions(REGISTRY_HOSTS) == []


def test_the_lock_pins_every_package_with_hashes() -> None:
    loose = [entry.split()[0] for entry in locked() if not re.match(r"\S+==\S+ \\\n.*--hash=sha256:", entry)]

    assert loose == []


def test_the_lock_covers_what_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    pinned = {canonical(entry) for entry in locked()}

    assert [line for line in wanted if canonical(line) not in pinned] == []


def test_make_help_explains_every_target() -> None:
    targets = set(re.findall(r"^([a-z][\w-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert {"setup", "run", "test", "lint", "help"} <= targets
    assert dict(re.findall(r"^  make ([\w-]+) +(\S.*)$", shown, re.MULTILINE)).keys() == targets


def test_no_target_is_mistaken_for_a_file() -> None:
    """`make test` must run the tests although a folder of that name exists."""
    text = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z][\w-]*):", text, re.MULTILINE))

    assert {word for line in re.findall(r"^\.PHONY: (.*)$", text, re.MULTILINE) for word in line.split()} == targets


@pytest.mark.parametrize("script", [".ci/run", "deploy/setup.sh"])
def test_a_script_is_executable_and_parses(script: str) -> None:
    assert (ROOT / script).stat().st_mode & 0o111
    subprocess.run(["bash", "-n", script], cwd=ROOT, check=True)


def test_every_service_in_a_compose_file_says_what_it_runs() -> None:
    files = {path: yaml.safe_load(path.read_text())["services"] for path in ROOT.glob("docker-compose*.y*ml")}
    # The second file states only the differences.
    told = {
        name for services in files.values() for name, service in services.items() if {"image", "build"} & service.keys()
    }
    silent = [f"{path.name}: {name}" for path, services in files.items() for name in services if name not in told]

    assert silent == []


def files(suffixes: set[str]) -> Iterator[Path]:
    """Yield our files: none that a tool made, none that git ignores."""
    for top in sorted(ROOT.iterdir()):
        if top.is_file() and top.name not in NOT_OURS and top.suffix in suffixes:
            yield top
        elif top.is_dir() and top.name not in NOT_OURS and (top.name == ".ci" or not top.name.startswith(".")):
            yield from (path for path in sorted(top.rglob("*")) if path.is_file() and is_ours(path, suffixes))


def is_ours(path: Path, suffixes: set[str]) -> bool:
    parts = path.relative_to(ROOT).parts
    made = any(part in {"__pycache__", "node_modules"} or part.endswith(".egg-info") for part in parts)
    return path.suffix in suffixes and not made


def in_tests(path: Path) -> bool:
    return path.is_relative_to(ROOT / "tests")


def modules() -> list[Path]:
    return [path for path in files({".py"}) if path.relative_to(ROOT).parts[0] in PACKAGES]


def length(node: Function) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def mentions(words: tuple[str, ...]) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}:{number} {word}"
        for path in files(TEXT)
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1)
        for word in words
        if word in line
    ]


def locked() -> list[str]:
    """Return the lock's entries: each starts at the beginning of a line and continues indented."""
    text = (ROOT / "requirements.lock").read_text()
    return re.findall(r"^[^\s#].*(?:\n[ \t].*)*", text, re.MULTILINE)


def canonical(requirement: str) -> str:
    """Return a package's normalised name, without version and extras."""
    return re.sub(r"[-_.]+", "-", re.split(r"[=<>!~\[; ]", requirement)[0]).lower()


def test_the_migrations_of_each_store_are_one_line() -> None:
    """Two with one number, from two branches, would stop every start although each branch alone works."""
    for folder in sorted((ROOT / "services").glob("**/migrations/versions")):
        scripts = [path.read_text() for path in sorted(folder.glob("*.py"))]
        pairs = [
            [re.search(rf"^{name} = (.+)$", text, re.MULTILINE)[1] for name in ("revision", "down_revision")]
            for text in scripts
        ]

        assert [before for _, before in pairs] == ["None", *(own for own, _ in pairs[:-1])], folder
