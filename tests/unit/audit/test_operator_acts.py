"""What operators do to channels and to the ledger has rows in their audit logs."""

from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest

from contracts.envelope.statement import Start
from services.ledger.signing.heads import sign_head
from services.ledger.signing.records import SourceKeyRow
from services.ledger.sources.revocation import revoke
from services.runtime.manifests import AUDITED
from shared.audit.chain import faults
from shared.audit.queries import AuditFilter, head, page
from shared.transparency.head_statement import read_statement
from tests.harness.pipeline import ADMIN, Pipeline, code_of, item, pipeline


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    with pipeline(tmp_path_factory.mktemp("acts"), channels=("web", "kiosk")) as made:
        made.release(item(1))
        made.emit("catalog", f"item:{code_of(3)}", {"code": "not an item"})
        made.flow()
        yield made


def ask(county: Pipeline, method: str, path: str, **body: object) -> httpx.Response:
    headers = {"authorization": f"Bearer {ADMIN}"}
    answer = county.http.request(method, path, headers=headers, json=body or None)
    assert answer.is_success, answer.text
    return answer


def rows(county: Pipeline, service: str) -> list[dict]:
    with county.dbs[service].read() as session:
        return page(session, AuditFilter(), None, 1000, with_changes=True)


def newest(county: Pipeline, service: str) -> tuple[str, str, str]:
    row = rows(county, service)[0]
    return row["action"], row["object"], row["actor"]["name"]


def test_a_pause_and_its_end_are_told_with_the_reason(county: Pipeline) -> None:
    ask(county, "POST", "/web/v1/pause", reason="核对收费标准")
    told = rows(county, "web")[0]
    ask(county, "POST", "/web/v1/resume")

    assert (told["action"], told["after"]) == ("pause", {"reason": "核对收费标准"})
    assert newest(county, "web") == ("resume", "channel:web", "bootstrap")


def test_a_rebuild_and_a_drill_are_told_when_they_begin_and_when_they_end(county: Pipeline) -> None:
    ask(county, "POST", "/web/v1/rebuild")
    ask(county, "POST", "/web/v1/drill")

    told = [row["action"] for row in rows(county, "web")[:4]]
    assert told == ["drill.done", "drill.begun", "rebuild.done", "rebuild.begun"]


def test_a_repair_and_a_dropped_entry_name_the_keys(county: Pipeline) -> None:
    ask(county, "POST", "/kiosk/v1/repair", keys=[f"item:{code_of(1)}"])
    assert newest(county, "kiosk") == ("repair", "channel:kiosk", "bootstrap")

    position = ask(county, "GET", "/kiosk/v1/parked").json()["parked"][0]["position"]
    ask(county, "DELETE", f"/kiosk/v1/parked/{position}")
    assert newest(county, "kiosk") == ("drop", f"channel:kiosk/{position}", "bootstrap")
    assert rows(county, "kiosk")[0]["after"]["key"] == f"item:{code_of(3)}"


def test_a_screen_is_offered_enrolled_and_revoked_by_somebody(county: Pipeline) -> None:
    code = ask(county, "POST", "/kiosk/v1/screens", name="hall-1").json()["code"]
    ask(county, "POST", "/kiosk/v1/screen/enrol", code=code)
    ask(county, "DELETE", "/kiosk/v1/screens/hall-1")

    told = [(row["action"], row["actor"]["name"]) for row in rows(county, "kiosk")[:3]]
    assert told == [("screen.revoked", "bootstrap"), ("screen.enrolled", "screen"), ("screen.offered", "bootstrap")]
    assert code not in str(rows(county, "kiosk"))


def test_a_key_that_is_revoked_from_the_command_line_is_told_and_signed(county: Pipeline) -> None:
    key = "0badcafe"
    with county.dbs["ledger"].write() as session:
        start = Start(position=1).model_dump_json()
        session.add(SourceKeyRow(key_id=key, source="catalog", public_key="0" * 64, signs_from=start))
    revoke(county.dbs["ledger"], key, {"live": 10**6})
    sign_head(county.dbs["ledger"], county.signer, timedelta(0))
    note = ask(county, "GET", "/ledger/v1/statement").json()["note"]
    signed = {
        one.source: one
        for one in read_statement(note, ask(county, "GET", "/ledger/v1/keys").json()["keys"]).audit_heads
    }

    assert newest(county, "ledger") == ("key.revoked", f"key:{key}", "command_line")
    with county.dbs["ledger"].read() as session:
        assert (signed["ledger"].sequence, signed["ledger"].hash) == (head(session)["sequence"], head(session)["hash"])


def test_every_chain_is_whole(county: Pipeline) -> None:
    kept = [service for service in AUDITED if service in county.dbs]

    assert {service: list(faults(rows(county, service))) for service in kept} == {service: [] for service in kept}
    assert {"ledger", "web", "kiosk", "catalog"} <= set(kept)
