"""SQL texts stand in the `statements.py` of their package: each has a name, a sentence above it, and a reader."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.lint
ROOT = Path(__file__).resolve().parents[3]
PACKAGES = ("contracts", "shared", "services")
SQL = re.compile(
    r"\s*(SELECT\s|INSERT\s+(OR\s+\w+\s+)?INTO\s|UPDATE\s+\S+\s+SET\s|DELETE\s+FROM\s"
    r"|WITH\s+(RECURSIVE\s+)?\w+\s*(\([^)]*\)\s*)?AS\s)",
    re.IGNORECASE,
)
DOORS = {
    "shared/database/notifications.py": "the statement names the database's own channel, so it is made at run time",
    "shared/database/migration_env.py": "migrations call it, and must not change with today's statements",
}


@pytest.mark.parametrize(
    "code",
    [
        'run("SELECT 1")',
        'run("""\n  insert into entry VALUES (1)""")',
        'run("UPDATE log "\n"SET size = :size")',
        'run(f"DELETE FROM {table}")',
        'run(f"SELECT {column} " "FROM entry")',
        'run("WITH moved AS (DELETE FROM parked) SELECT 1")',
        'run("WITH RECURSIVE t (n) AS (SELECT 1) SELECT n FROM t")',
        'MARK = {"sqlite": text("SELECT sequence FROM source")}',
    ],
)
def test_a_text_is_found_wherever_it_stands(code: str) -> None:
    assert len(list(texts(ast.parse(code)))) == 1


@pytest.mark.parametrize(
    "code",
    [
        '"""Select the newest entry of each key."""',
        'def f():\n    """DELETE FROM the queue what was sent."""',
        'route("DELETE", "/v1/hooks")',
        'title = "Update the calendar"',
        'label = f"with {count} rows as before"',
        "query = select(EntryRow).where(EntryRow.key == key)",
    ],
)
def test_what_is_no_statement_is_left_alone(code: str) -> None:
    assert list(texts(ast.parse(code))) == []


def test_sql_texts_stand_in_statements_modules() -> None:
    loose = [
        f"{name}:{line}"
        for path, name in modules()
        if path.name != "statements.py" and not is_migration(path) and name not in DOORS
        for line in texts(tree_of(path))
    ]

    assert loose == []


def test_every_exception_is_needed() -> None:
    assert [name for name in DOORS if not list(texts(tree_of(ROOT / name)))] == []


def test_every_statement_has_a_sentence_above_it() -> None:
    bare = []
    for path, name in statements():
        lines = path.read_text().splitlines()
        for statement in constants(path):
            above = lines[statement.lineno - 2]
            if list(texts(statement)) and not re.fullmatch(r"# .*[.:]", above):
                bare.append(f"{name}:{statement.lineno}")

    assert bare == []


def test_every_statement_is_used() -> None:
    used = {
        (module, alias.name)
        for path, _ in modules()
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.ImportFrom) and (module := node.module)
        for alias in node.names
    }
    unused = [
        f"{name} {target.id}"
        for path, name in statements()
        for statement in constants(path)
        for target in statement.targets
        if isinstance(target, ast.Name) and not target.id.startswith("_")
        if (name.removesuffix(".py").replace("/", "."), target.id) not in used
    ]

    assert unused == []


def texts(tree: ast.AST) -> Iterator[int]:
    """Yield the line of each string, or beginning of an f-string, that begins with a statement; skip docstrings."""
    passed = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    passed |= {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values[1:]}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and id(node) not in passed and SQL.match(str(node.value)):
            yield node.lineno


def modules() -> Iterator[tuple[Path, str]]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield path, path.relative_to(ROOT).as_posix()


def statements() -> Iterator[tuple[Path, str]]:
    return ((path, name) for path, name in modules() if path.name == "statements.py")


def constants(path: Path) -> list[ast.Assign]:
    return [node for node in tree_of(path).body if isinstance(node, ast.Assign)]


def is_migration(path: Path) -> bool:
    return "migrations" in path.parts or path.name == "migration.py"


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))
