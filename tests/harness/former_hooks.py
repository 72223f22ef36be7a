"""Hooks as the release before stored them: mobile had address and secret, and made the calls itself."""

import json
from base64 import b64encode
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from services.runtime.manifests import migrations
from tests.harness.before_identity import put_back, scripts
from tests.harness.pipeline import Pipeline
from tests.harness.receivers import Call

MOVES = next(one.name[1:5] for one in scripts("mobile") if one.name.endswith("_hook_moves.py"))
BEFORE = f"{int(MOVES) - 1:04}"
"""The newest migration of a channel before hooks moved."""

INSERT = text(
    "INSERT INTO hook (id, case_ref, url, host, secret, told, state, failures, problem, next_at, expires_at) VALUES "
    "(:id, :case_ref, :url, :host, :secret, :told, :state, :failures, :problem, '2026-01-01T00:00:00.000000Z', "
    "'2126-01-01T00:00:00.000000Z')"
)


@dataclass(frozen=True)
class FormerHook:
    """A hook of the release before. `told`: the version that its receiver had heard."""

    number: int
    told: int
    state: str = "active"
    failures: int = 0

    @property
    def id(self) -> str:
        """Its id."""
        return f"hook_{self.number:024x}"

    @property
    def secret(self) -> str:
        """Its secret."""
        return f"whsec_{b64encode(self.number.to_bytes(24, 'big')).decode()}"


def upgraded(county: Pipeline, hooks: Sequence[FormerHook], host: str) -> None:
    """Store the hooks in mobile's store as the release before had it, and migrate that.

    In PostgreSQL the schema is this release's: the rows are the same, since the migration changes none.
    """
    db = county.dbs["mobile"]
    reference = county.execute("mobile", "SELECT key FROM document WHERE kind = 'application'")[0].key
    with db.engine.begin() as connection:
        if db.is_sqlite:
            put_back(connection, "mobile", BEFORE)
        for one in hooks:
            names = {name: getattr(one, name) for name in ("id", "secret", "state", "failures")}
            place = {"host": host, "url": f"http://{host}/hooks/{one.number}", "told": str(one.told)}
            problem = "status 500" if one.failures else None
            case = {"case_ref": reference.partition(":")[2], "problem": problem}
            connection.execute(INSERT, {**names, **place, **case})
    db.migrate(*migrations("mobile"))


def told(calls: Iterable[Call]) -> dict[str, dict[str, bytes]]:
    """Return for each hook what it was told: mark → body, in the order in which a receiver first saw it.

    Fails if one state came under two ids, or one id with two bodies.
    """
    found: dict[str, dict[str, bytes]] = defaultdict(dict)
    for call in calls:
        hook, _, mark = call.id.partition(".")
        body = json.loads(call.body)
        assert body["data"]["subscription"] == hook
        assert mark == f"{body['data']['version']}{'' if body['data']['stage'] else 'x'}"
        assert found[hook].setdefault(mark, call.body) == call.body
    return dict(found)


def require_nothing_lost(hooks: Sequence[FormerHook], calls: Iterable[Call], newest: str) -> None:
    """Every hook that was alive has heard the newest state and nothing twice under another id, or of before."""
    heard = told(calls)
    for one in hooks:
        if one.state != "active":
            assert one.id not in heard, one
            continue
        marks = list(heard[one.id])
        assert marks[-1] == newest, (one, marks)
        assert marks == sorted(marks, key=version_of), (one, marks)
        assert all(version_of(mark) > one.told for mark in marks), (one, marks)


def version_of(mark: str) -> int:
    """Return the version that a mark names."""
    return int(mark.removesuffix("x"))


def moved(county: Pipeline) -> Any:
    """Return what mobile still has of addresses and secrets."""
    return county.execute("mobile", "SELECT id FROM hook WHERE url <> id OR secret <> '' OR host <> ''")
