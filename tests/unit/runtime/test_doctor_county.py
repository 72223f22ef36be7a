"""`doctor` names the county, and every service that belongs to another one or whose signer refuses."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.cli.inspect import part_state, problems, status
from services.runtime.manifests import SERVICES
from shared.county.identity import Identity
from shared.errors import Refused, UpstreamDown

OURS = Identity("440232000000", "tongyuan/440232000000", "乳源瑶族自治县", demo=False)
THEIRS = Identity("440233000000", "tongyuan/440233000000", "新丰县", demo=False)


class Running:
    """A county whose services give prepared answers."""

    def __init__(self, signer: dict[str, Any] | None = None, **others: Identity | None) -> None:
        self._signer = signer
        self._counties: dict[str, Identity | None] = {**dict.fromkeys(SERVICES, OURS), **others}

    def http(self, service: str) -> httpx.Client:
        county = self._counties[service]
        body = {"county": county and county.as_json()}
        answering = httpx.MockTransport(lambda _request: httpx.Response(200, json=body))
        return httpx.Client(transport=answering, base_url="http://county")

    def ready(self, service: str) -> Any:
        return self.http(service).get("/readyz").json()

    def get(self, service: str, path: str, **_params: Any) -> Any:
        if self._signer is None:
            raise UpstreamDown(f"{service}/{path}")
        if path not in self._signer:
            raise Refused(path)
        return self._signer[path]


def in_services(running: Running) -> list[str]:
    return list(problems.of_services(running, status.county_of(running)))


def test_a_county_of_one_piece_has_no_problem() -> None:
    assert in_services(Running()) == []


def test_a_service_of_another_county_is_named_with_both() -> None:
    (problem,) = in_services(Running(guides=THEIRS))
    assert problem.startswith("guides belongs to 440233000000 新丰县")
    assert "the ledger to 440232000000 乳源瑶族自治县" in problem


@pytest.mark.parametrize(
    "other",
    [
        None,
        Identity(OURS.region, "another.example/log", OURS.county, demo=False),
        Identity(OURS.region, OURS.origin, "乳源市", demo=False),
        Identity(OURS.region, OURS.origin, OURS.county, demo=True),
    ],
)
def test_so_is_one_that_differs_in_log_name_or_kind_or_says_nothing(other: Identity | None) -> None:
    assert len(in_services(Running(web=other))) == 1


def test_a_demonstration_is_called_one() -> None:
    assert status.titled(Identity("339921000000", "tongyuan/339921000000", "云溪县", demo=True)) == (
        "339921000000 云溪县（演示）, log tongyuan/339921000000"
    )


def now(minutes: int = 0) -> str:
    return (datetime.now(UTC) - timedelta(minutes=minutes)).isoformat()


def test_a_signer_that_refuses_is_told_since_when_and_why() -> None:
    refusal = {"since": "2026-11-29T22:25:04.011031Z", "reason": "the ledger has 2 entries, but 5 are signed"}
    running = Running({"signer": {"refuses": refusal, "signed_at": now(9), "taken": {}}})
    (problem,) = problems.of_signer(running)
    assert "nothing can be released" in problem
    assert refusal["reason"] in problem
    assert refusal["since"] in problem


def test_a_ledger_that_has_never_signed_is_a_problem() -> None:
    (problem,) = problems.of_signer(Running({"signer": {"refuses": None, "signed_at": None, "taken": {}}}))
    assert "has signed no head yet" in problem


def test_a_signer_that_signs_is_none() -> None:
    running = Running({"signer": {"refuses": None, "signed_at": now(), "taken": {}}})
    assert list(problems.of_signer(running)) == []


def test_an_older_ledger_that_tells_no_time_is_judged_by_its_head() -> None:
    running = Running({"signer": {"refuses": None}, "head": {"time": now()}})
    assert list(problems.of_signer(running)) == []


def test_a_signer_that_cannot_be_asked_is_not_called_well() -> None:
    (problem,) = problems.of_signer(Running())
    assert "cannot be reached" in problem


def test_status_is_not_content_with_a_ledger_that_has_signed_nothing() -> None:
    part = {"behind": 0, "unsigned": True}
    assert part_state.is_bad(part)
    assert any("signed no head yet" in line for line in part_state.advice({"ledger": part}))


def test_a_damaged_store_is_named_and_a_missing_or_sound_one_is_not(tmp_path: Path) -> None:
    (tmp_path / "web.db").write_bytes(b"no database" * 1000)
    with closing(sqlite3.connect(tmp_path / "kiosk.db")) as sound:
        sound.execute("CREATE TABLE document (content TEXT)")
    (problem,) = problems.of_stores(tmp_path)
    assert problem.startswith(f"{tmp_path}/web.db is damaged")
    assert "docs/operating/one-store.md" in problem
