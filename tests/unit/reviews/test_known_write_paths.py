"""Who may append a version: a new caller is a new door, for this table and the state machine of write paths."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

CALLERS = {
    "Cleared": {"shared/publishing/editions/clearance.py"},
    "clear": {
        "shared/publishing/editions/batches.py",
        "shared/publishing/editions/commands.py",
        "shared/publishing/editions/following.py",
        "shared/publishing/editions/going_back.py",
        "shared/publishing/sets/commands.py",
    },
    "append_following": {"shared/publishing/editions/following.py"},
    "Urgent": {"shared/publishing/reviews/urgent.py"},
    "Draft": {
        "shared/publishing/editions/appending.py",
        # Acts say why; they name keys and a note, no content of an item or a guide.
        "shared/publishing/acts.py",
        "shared/publishing/sets/commands.py",
        # The canary withdraws what was never released.
        "services/applications/canary.py",
        # Cases are not reviewed: they tell what a hall has recorded.
        "services/applications/lifecycle/recompute.py",
        "services/applications/privacy/retention.py",
    },
    "emit": {
        "shared/publishing/acts.py",
        "shared/publishing/editions/batches.py",
        "shared/publishing/editions/commands.py",
        "shared/publishing/editions/following.py",
        "shared/publishing/editions/going_back.py",
        "shared/publishing/sets/commands.py",
        "services/applications/canary.py",
        "services/applications/lifecycle/recompute.py",
    },
}


@pytest.mark.lint
@pytest.mark.parametrize("name", CALLERS)
def test_every_write_path_is_known(name):
    """A new caller is a new door: add it here, and a rule to the state machine."""
    found = set()
    for file in (*ROOT.glob("shared/**/*.py"), *ROOT.glob("services/**/*.py")):
        source = file.read_text(encoding="utf-8")
        if name not in source:
            continue
        calls = (one for one in ast.walk(ast.parse(source)) if isinstance(one, ast.Call))
        ours = name != "clear" or "editions.clearance import" in source
        if ours and any(isinstance(one.func, ast.Name) and one.func.id == name for one in calls):
            found.add(str(file.relative_to(ROOT)))
    assert found == CALLERS[name]
