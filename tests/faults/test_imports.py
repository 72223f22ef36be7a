"""An import whose process is killed: the next start says how far it came, and nothing is imported twice."""

import json
from typing import Any

import httpx
import pytest

from tests.harness.county import EmbeddedCounty, running, wait_for
from tests.harness.importing import exchange_row
from tests.harness.pipeline import code_of

ROWS = 1500
AT_ONCE = 100
UP_TASK = {"format": "up-task", "source": "test"}


def ended(county: EmbeddedCounty, job: int) -> dict[str, Any]:
    """Wait until a job is over, and return it."""
    found: dict[str, Any] = {}

    def over() -> bool:
        found.update(county.http("importing").get(f"/importing/v1/jobs/{job}").raise_for_status().json())
        return found["state"] not in ("waiting", "running")

    wait_for(over, f"job {job} is over", 240)
    return found


def asked(county: EmbeddedCounty, upload: str, kind: str, **content: Any) -> int:
    answer = county.http("importing").post(f"/importing/v1/imports/{upload}/{kind}", json=content)
    return int(answer.raise_for_status().json()["id"])


def previewed_and_run(county: EmbeddedCounty, upload: str) -> tuple[dict[str, Any], int]:
    """Preview the file; return the preview, and the number of a run of it that was asked for."""
    preview = ended(county, asked(county, upload, "previews", **UP_TASK))
    assert preview["state"] == "finished", preview["problem"]
    return preview, asked(county, upload, "runs", preview=preview["id"], digest=preview["digest"])


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.xdist_group("county")
def test_a_run_that_is_killed_says_what_was_not_reached_and_the_same_file_again_imports_only_that(tmp_path):
    rows = [exchange_row(number) for number in range(1, ROWS + 1)]
    with running(EmbeddedCounty(tmp_path / "county")) as county:
        content = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows).encode()
        sent = county.http("importing").post("/importing/v1/imports", params={"name": "a.jsonl"}, content=content)
        upload = sent.raise_for_status().json()["id"]
        _, job = previewed_and_run(county, upload)

        def in_the_middle() -> bool:
            told = county.http("importing").get(f"/importing/v1/jobs/{job}").json()
            return told["rows"] == ROWS and told["done"] >= AT_ONCE

        wait_for(in_the_middle, "the run is in its middle", 120)
        county.kill("up")
        county.restart("up")
        county.wait_ready("up")

        told = ended(county, job)
        assert (told["state"], told["rows"]) == ("interrupted", ROWS)
        assert 0 < told["not_reached"] < ROWS, told
        assert str(told["not_reached"]) in told["problem"]

        preview, again = previewed_and_run(county, upload)
        done = ended(county, again)
        assert (done["state"], done["not_reached"]) == ("finished", 0)
        assert done["outcome"]["figures"] == preview["outcome"]["figures"]
        assert done["outcome"]["figures"]["new"] <= told["not_reached"]
        assert versions(county) == {1}
        county.verified()


def versions(county: EmbeddedCounty) -> set[int]:
    """The versions that the items of the file have at the catalog."""
    http = county.http("catalog")
    answers = [http.get(f"/catalog/v1/items/{code_of(number)}") for number in range(1, ROWS + 1)]
    assert {answer.status_code for answer in answers} == {httpx.codes.OK}
    return {answer.json()["in_force"]["version"] for answer in answers}
