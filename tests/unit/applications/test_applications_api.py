"""HTTP of applications: who may call it, what it answers, and that no answer repeats personal data that was sent."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from starlette.testclient import TestClient

from services.applications import api
from shared.config import Settings
from shared.security.case_ref import case_ref
from tests.harness.actors import TESTER
from tests.harness.cases import PROJECT_NO
from tests.harness.county_cases import CODE, ITEM, REFERENCE, County, hall, moment, notice

PATH = f"/v1/applications/{PROJECT_NO}"
CONTENT = {"item_code": ITEM, "query_code": CODE, "promise_day": 10}
PERSON = {"applicant": {"name": "欧阳试", "contact_mobile": "13812345678"}, "project_name": "关于欧阳试的业务"}


@pytest.fixture
def county(tmp_path: Path) -> Iterator[County]:
    county = County.embedded(tmp_path)
    yield county
    county.close()


@pytest.fixture
def stranger(county: County) -> Iterator[TestClient]:
    app = api.make(county.cases, Settings(admin_token=SecretStr("clerk"), service_token=SecretStr("ledger")))
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def clerk(stranger: TestClient) -> TestClient:
    stranger.headers["Authorization"] = "Bearer clerk"
    return stranger


def event(name: str, day: int, **details: Any) -> dict[str, Any]:
    return {"event": name, "occurred_at": moment(day).isoformat(), **details}


FOR_SERVICES = ("/v1/releases", "/v1/audit")


def test_without_a_clerks_token_nothing_is_answered(stranger: TestClient) -> None:
    """Generated from the routes, so that a new one cannot be forgotten.

    Only the feed and the audit log also accept a service's token; the service's public keys are public.
    """
    document = stranger.get("/openapi.json").json()
    answers = {}
    for path, methods in document["paths"].items():
        concrete = path.replace("{project_no}", PROJECT_NO).replace("{year}", "2020").replace("{key}", "application:x")
        for method in methods:
            for token in ("", "Bearer ledger") if not path.startswith(FOR_SERVICES) else ("",):
                answer = stranger.request(method, concrete.replace("{version}", "1"), headers={"Authorization": token})
                answers[method, path, token] = answer.status_code

    assert len(answers) > 15
    assert {path for (_, path, _), status in answers.items() if status != 401} == {"/v1/keys"}


def test_a_case_is_opened_under_a_number_of_ours(clerk: TestClient) -> None:
    answer = clerk.post("/v1/applications", json={"item_code": ITEM, **PERSON})

    receipt = answer.json()
    assert answer.status_code == 201
    assert receipt["case_ref"] == case_ref(receipt["project_no"], receipt["display_code"])
    assert receipt["display_code"].replace("-", "") == receipt["query_code"]
    assert answer.headers["cache-control"] == "no-store"


def test_a_case_is_opened_under_a_given_number_and_read_back(clerk: TestClient) -> None:
    opened = clerk.put(PATH, json={**CONTENT, **PERSON})
    read = clerk.get(PATH)

    assert (opened.status_code, opened.headers["etag"], opened.json()["case_ref"]) == (201, '"1"', REFERENCE)
    assert read.headers["etag"] == '"1"'
    assert {"state": "PENDING", "allowed": ["received", "submitted"], **PERSON}.items() <= read.json().items()
    assert read.headers["cache-control"] == "no-store"
    assert clerk.get(PATH, headers={"If-None-Match": '"1"'}).status_code == 304


def test_what_is_kept_about_persons_is_replaced_with_if_match(clerk: TestClient) -> None:
    clerk.put(PATH, json={**CONTENT, **PERSON})

    assert clerk.put(PATH, json=CONTENT, headers={"If-Match": '"9"'}).status_code == 412
    assert clerk.put(PATH, json={**CONTENT, "query_code": None}).status_code == 428
    assert clerk.put(PATH, json=CONTENT, headers={"If-Match": '"1"'}).json()["revision"] == 2
    assert "applicant" not in clerk.get(PATH).json()


def test_events_advance_a_case_one_or_many_at_a_time(clerk: TestClient, county: County) -> None:
    clerk.put(PATH, json=CONTENT)
    county.now = moment(13, 10)
    one = clerk.post(f"{PATH}/events", json=event("received", 12))
    many = clerk.post(f"{PATH}/events", json=[event("accepted", 13, accept_doc_no="S-1"), event("review_started", 13)])

    assert (one.json()["state"], many.json()["state"]) == ("RECEIVED", "IN_REVIEW")
    assert many.json()["promise_date"] == "2020-10-27"
    assert county.body()["state"] == "IN_REVIEW"


def test_an_event_that_is_not_allowed_is_answered_with_those_that_are(clerk: TestClient) -> None:
    clerk.put(PATH, json=CONTENT)
    answer = clerk.post(f"{PATH}/events", json=event("approved", 12))

    assert (answer.status_code, answer.json()["allowed"]) == (409, ["received", "submitted"])


@pytest.mark.parametrize("content", [[], [{}], {}, "received", None, [event("received", 12)] * 101])
def test_events_that_are_none_are_refused(clerk: TestClient, content: Any) -> None:
    clerk.put(PATH, json=CONTENT)

    assert clerk.post(f"{PATH}/events", json=content).status_code == 422


def test_a_case_is_withdrawn_shown_again_and_erased(clerk: TestClient, county: County) -> None:
    clerk.put(PATH, json={**CONTENT, **PERSON})
    standing = [
        clerk.post(f"{PATH}/withdraw", json={}).json(),
        clerk.post(f"{PATH}/release").json(),
        clerk.post(f"{PATH}/withdraw", json={"erase": True}).json(),
    ]

    assert [(one["withdrawn"], one["erased"], one["version"]) for one in standing] == [
        (True, False, 2),
        (False, False, 3),
        (True, True, 4),
    ]
    assert "applicant" not in clerk.get(PATH).json()
    assert county.releases()[-1]["body"] is None


def test_a_lost_receipt_is_replaced(clerk: TestClient) -> None:
    clerk.put(PATH, json=CONTENT)
    answer = clerk.post(f"{PATH}/receipt")

    assert answer.status_code == 201
    assert answer.json()["case_ref"] == case_ref(PROJECT_NO, answer.json()["query_code"])


def test_clerks_find_cases_by_state_delay_and_what_waits(clerk: TestClient, county: County) -> None:
    clerk.put(PATH, json={**CONTENT, **PERSON})
    county.take(hall("jj", 12, number="37-2020-1"))
    county.cases.record(TESTER, PROJECT_NO, [])

    def numbers(**query: Any) -> list[str]:
        return [row["project_no"] for row in clerk.get("/v1/applications", params=query).json()["applications"]]

    assert numbers() == [PROJECT_NO, "37-2020-1"]
    assert numbers(after=PROJECT_NO) == ["37-2020-1"]
    assert numbers(open=False) == ["37-2020-1"]
    assert numbers(state="PENDING") == [PROJECT_NO]
    assert numbers(overdue=True) == []
    assert clerk.get("/v1/applications", params={"state": "LOST"}).status_code == 422
    assert "欧阳" not in clerk.get("/v1/applications").text


def test_counts_say_how_much_there_is_of_what(clerk: TestClient, county: County) -> None:
    clerk.put(PATH, json=CONTENT)
    county.take(hall("accept", 12, number="37-2020-1"))

    assert clerk.get("/v1/counts").json() == {
        "states": {"PENDING": 1},
        "overdue": 0,
        "provisional": {"cases": 0, "years": []},
        "waiting": {"cases": 1, "facts": 2},
    }


def test_a_holiday_notice_is_stored_and_read_back(clerk: TestClient) -> None:
    answer = clerk.put("/v1/calendars/2019", json=notice(2019))

    assert answer.json() == {"year": 2019, "changed": True, "cases": 0}
    assert [content["year"] for content in clerk.get("/v1/calendars").json()["calendars"]] == [2019, 2020]
    assert clerk.put("/v1/calendars/2021", json=notice(2020)).status_code == 422


def test_the_feed_is_for_the_ledger(clerk: TestClient) -> None:
    clerk.put(PATH, json=CONTENT)
    feed = clerk.get("/v1/releases", params={"lane": "live"}, headers={"Authorization": "Bearer ledger"}).json()

    assert [release["key"] for release in feed["releases"]] == [f"application:{REFERENCE}"]
    assert clerk.get("/readyz").json()["releases"] == {"live": 1, "backfill": 0}


WRONG: list[tuple[str, str, Any]] = [
    ("POST", "/v1/applications", {"item_code": "欧阳试", **PERSON}),
    ("POST", "/v1/applications", {"item_code": ITEM, "query_code": "13812345678"}),
    ("POST", "/v1/applications", {"item_code": ITEM, "project_no": "欧阳试"}),
    ("POST", "/v1/applications", {"item_code": ITEM, "applicant": "欧阳试"}),
    ("POST", "/v1/applications", {"item_code": ITEM, "欧阳试": "13812345678"}),
    ("POST", "/v1/applications", b'{"item_code": "\\ud800"}'),
    ("POST", "/v1/applications", b'{"applicant": {"name": "\xe6\xac'),
    ("POST", f"{PATH}/events", {"event": "欧阳试"}),
    ("POST", f"{PATH}/events", {"event": "received", "explain": ["欧阳试"]}),
    ("POST", f"{PATH}/events", {"event": "received", "fact_id": "欧阳试", "occurred_at": "13812345678x"}),
    ("POST", f"{PATH}/events", event("received", 12, deemed=True)),
    ("POST", f"{PATH}/events", {"event": "received", "occurred_at": "0001-01-01T00:00:00+08:00"}),
    ("POST", f"{PATH}/events", event("special_started", 12, extension_days=3)),
    ("POST", f"{PATH}/withdraw", {"erase": "欧阳试"}),
    ("PUT", "/v1/applications/欧阳试", CONTENT),
    ("PUT", PATH, {**CONTENT, "project_no": "13812345678"}),
    ("GET", "/v1/applications/欧阳试", None),
    ("PUT", "/v1/calendars/2021", {"year": "欧阳试", "days": [{"date": "13812345678"}]}),
]


@pytest.mark.parametrize(("method", "path", "content"), WRONG)
def test_an_error_names_field_and_rule_and_repeats_no_value(
    clerk: TestClient, county: County, method: str, path: str, content: Any
) -> None:
    county.open()
    before = county.count("fact"), county.count("application"), len(county.releases())
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    answer = clerk.request(method, path, content=body)

    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert all(word not in answer.text for word in ("欧阳", "13812345678", "\\u6b27"))
    assert (county.count("fact"), county.count("application"), len(county.releases())) == before


@pytest.mark.parametrize("suffix", ["", "/events", "/withdraw", "/release", "/receipt"])
def test_a_number_that_is_unknown_is_not_repeated(clerk: TestClient, suffix: str) -> None:
    content = event("received", 12) if suffix == "/events" else {}
    answer = clerk.request("POST" if suffix else "GET", PATH + suffix, json=content)

    assert answer.status_code == 404
    assert PROJECT_NO not in answer.text


def test_the_openapi_document_says_what_is_taken(clerk: TestClient) -> None:
    document = clerk.get("/openapi.json").json()
    body = document["paths"]["/v1/applications"]["post"]["requestBody"]["content"]["application/json"]["schema"]

    assert "item_code" in body["required"]
    assert "$ref" not in json.dumps(document["paths"]["/v1/applications/{project_no}/events"]["post"]["requestBody"])


def test_a_clerk_reads_in_which_years_a_promised_day_was_guessed(county: County, clerk: TestClient) -> None:
    county.cases.put_calendar(TESTER, 2020, {"year": 2020, "days": []})
    county.now = moment(1, 18)
    clerk.put(PATH, json=CONTENT)

    told = clerk.post(f"{PATH}/events", json=[event("received", 1), event("accepted", 1, accept_doc_no="S-1")]).json()

    assert (told["provisional"], clerk.get(PATH).json()["provisional"]) == ([2020], [2020])
    assert clerk.get("/v1/counts").json()["provisional"] == {"cases": 1, "years": [2020]}
    assert "tongyuan_calendar_missing_cases 1.0" in clerk.get("/metrics").text
