"""The ledger over HTTP as subscriptions read it: without a token, and the same as in one process."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from services.runtime import manifests
from services.runtime.local_readers import LocalPublicLedger
from services.subscriptions.log.public_ledger import HttpPublicLedger
from shared.errors import UpstreamDown
from tests.harness.pipeline import item, pipeline, progress


def test_over_http_the_entries_are_those_of_one_process_and_nothing_withheld_is_in_them(tmp_path: Path) -> None:
    with pipeline(tmp_path, channels=()) as county:
        county.release(item(1))
        county.release(item(2, name="保密到时刻"), effective_at=datetime.now(UTC) + timedelta(hours=1))
        county.release_case(progress())
        county.flow()

        over_http = HttpPublicLedger(county.http).entries(1, 10)

        assert over_http == LocalPublicLedger(county.dbs["ledger"]).entries(1, 10)
        assert {entry["kind"]: entry.get("no_body") for entry in over_http[1:]} == {
            "item": "withheld",
            "application": "withheld",
        }
        assert "保密到时刻" not in str(over_http)


def test_the_process_may_send_no_token_to_any_service() -> None:
    process = manifests.process("subscriptions")

    assert [(call.callee, set(call.rights)) for call in process.calls] == [("ledger", set())]
    assert not process.signs


@pytest.mark.parametrize("answer", ["[]", '{"entries": {}}', '{"entries": [{"position": 1}]}', "<html>"])
def test_an_answer_that_is_no_list_of_entries_is_not_believed(answer: str) -> None:
    transport = httpx.MockTransport(lambda _request: httpx.Response(200, text=answer))
    with httpx.Client(transport=transport, base_url="http://ledger") as http, pytest.raises(UpstreamDown):
        HttpPublicLedger(http).entries(1, 10)
