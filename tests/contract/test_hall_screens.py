"""The register of the hall's screens: a code works once, a token is one screen's, and red is red for a reason."""

import re
from datetime import UTC, datetime, timedelta
from itertools import count
from types import SimpleNamespace

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import generate_latest

from contracts.base import format_time
from services.channels.kiosk import addresses, displayed_digest, screens
from services.channels.kiosk.screens import ScreenState
from services.channels.search.directory import Facets
from services.channels.text.themes import ENGLISH
from tests.harness.pipeline import ADMIN, SERVICE, code_of, guide, item, pipeline

OPERATORS, OWN = "/kiosk/v1/screens", "/kiosk/v1/screen"
PAGE = f"items/{code_of(1)}"


@pytest.fixture(scope="module")
def hall(tmp_path_factory):
    with pipeline(tmp_path_factory.mktemp("hall"), channels=["kiosk"]) as made:
        made.release(item(1))
        made.release(guide(1))
        made.flow()
        yield made


@pytest.fixture
def county(hall):
    """No screen yet, and nobody has tried a code."""
    hall.execute("kiosk", "DELETE FROM screen")
    hall.execute("kiosk", "DELETE FROM screen_position")
    hall.serve_anew()
    return hall


NUMBERS = count(2)


def release_another(county):
    county.release(item(1, f"居民身份证办理({next(NUMBERS)})"))
    county.flow()


def operator(county, method, path="", token=ADMIN, **more):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return county.http.request(method, OPERATORS + path, headers=headers, **more)


def offer(county, name="hall-1"):
    return operator(county, "POST", json={"name": name}).json()["code"]


def enrol(county, code):
    """As a browser does; the cookies of the answer are its own, not the next one's."""
    answer = county.http.post(f"{OWN}/enrol", json={"code": code})
    county.http.cookies.clear()
    return answer


def token_of(answer):
    return re.search(r"tongyuan_screen=([^;]+)", answer.headers["set-cookie"]).group(1)


def enrolled(county, name="hall-1"):
    return token_of(enrol(county, offer(county, name)))


def shown(county, address=PAGE):
    return displayed_digest.digest_of(county.get(f"kiosk/{address}").text)


def report(county, token, **told):
    now = format_time(datetime.now(UTC))
    body = {"address": PAGE, "digest": shown(county), "position": 2, "head_time": now, "freshness": "now"} | told
    headers = {"Cookie": f"tongyuan_screen={token}"} if token else {}
    answer = county.http.post(f"{OWN}/report", json=body, headers=headers)
    county.http.cookies.clear()
    return answer


def listed(county, name="hall-1"):
    found = operator(county, "GET", token=SERVICE).json()["screens"]
    return next(screen for screen in found if screen["name"] == name)


def later(county, column, seconds, name="hall-1"):
    """Put a moment of a screen back, as if it had been so long ago."""
    moment = format_time(datetime.now(UTC) - timedelta(seconds=seconds))
    county.execute("kiosk", f"UPDATE screen SET {column} = :moment WHERE name = :name", moment=moment, name=name)


def test_a_screen_that_shows_what_the_channel_shows_is_good(county):
    token = enrolled(county)

    assert report(county, token).json() == {"same": True}
    assert (listed(county)["state"], listed(county)["address"]) == (ScreenState.GOOD, PAGE)


def test_a_screen_that_goes_on_showing_the_version_before_turns_red_within_ten_seconds(county):
    token, before = enrolled(county), shown(county)
    release_another(county)

    assert report(county, token, digest=before).json() == {"same": False}
    assert listed(county)["red"] is False
    later(county, "other_since", screens.OLD.total_seconds() + 0.1)
    report(county, token, digest=before)
    assert (listed(county)["state"], listed(county)["red"]) == (ScreenState.OLD, True)
    assert screens.REPORT_SECONDS + screens.OLD.total_seconds() < 10
    assert screens.SILENT.total_seconds() < 10


KEPT = {"kept": 120, "kept_of": 120}


@pytest.mark.parametrize(
    ("told", "age", "copy"),
    [
        (KEPT, 5, "whole"),
        ({**KEPT, "kept": 119}, 5, "partial"),
        (KEPT, 11 * 60, "old"),
        ({"kept": 0, "kept_of": 120}, None, "none"),
        ({"kept": 0}, None, "none"),
        ({}, None, "unknown"),
    ],
    ids=["whole", "partial", "old", "refused", "no-storage", "not-said"],
)
def test_a_screen_says_how_much_it_keeps_and_of_when(county, told, age, copy):
    """It stays as good as what it shows: only the network's end would show what it lacks."""
    token, now = enrolled(county), datetime.now(UTC)
    kept_at = {} if age is None else {"kept_at": format_time(now - timedelta(seconds=age))}

    assert report(county, token, **told, **kept_at).status_code == 200
    found = listed(county)
    assert (found["state"], found["red"], found["copy"]) == (ScreenState.GOOD, False, copy)
    assert (found["kept"], found["kept_at"]) == (told.get("kept"), kept_at.get("kept_at"))
    assert f'tongyuan_kiosk_copies{{copy="{copy}"}} 1.0' in generate_latest().decode()


def test_what_a_screen_kept_is_forgotten_when_it_is_enrolled_anew(county):
    report(county, enrolled(county), **KEPT, kept_at=format_time(datetime.now(UTC)))
    enrolled(county)

    assert (listed(county)["copy"], listed(county)["kept"]) == ("unknown", None)


@pytest.mark.parametrize("wrong", [{"kept": -1}, {"kept": "all"}, {"kept_of": 10**7}, {"kept_at": "yesterday"}])
def test_a_report_of_what_cannot_be_kept_is_refused(county, wrong):
    answer = report(county, enrolled(county), **wrong)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] in wrong


def test_every_link_and_form_of_the_hall_stays_in_the_hall(county):
    """A foreign page on the glass has no bar and no clock, and nothing leads back from it."""
    item_with_links = item(
        1, online_handle_url="https://elsewhere.example/", mobile_terminal_url="https://elsewhere.example/m"
    )
    county.release(item_with_links)
    county.flow()
    for address in ("", "items", "search", "progress", "windows", "browse/person", PAGE, "items/0", "enrol"):
        page = county.get(f"kiosk/{address}").text
        led = re.findall(r'(?:href|action|src|formaction)="([^"]*)"', page)
        assert led
        assert [one for one in led if not one.startswith(("/kiosk/", "#"))] == []
        assert "target=" not in page
    release_another(county)


def test_it_is_good_again_as_soon_as_it_shows_the_new_version(county):
    token, before = enrolled(county), shown(county)
    release_another(county)
    report(county, token, digest=before)
    later(county, "other_since", 60)
    report(county, token)

    assert listed(county)["state"] == ScreenState.GOOD


def test_a_silent_screen_is_red(county):
    report(county, enrolled(county))
    later(county, "seen_at", screens.SILENT.total_seconds() + 0.1)

    assert (listed(county)["state"], listed(county)["red"]) == (ScreenState.SILENT, True)


@pytest.mark.parametrize("told", [{"freshness": "wrong"}, {"freshness": "unable"}, {"head_time": None}])
def test_a_screen_that_cannot_prove_how_old_its_data_are_is_red(county, told):
    report(county, enrolled(county), **told)

    assert listed(county)["state"] == ScreenState.UNVERIFIED


def test_a_head_that_stood_still_for_a_minute_is_red_whatever_the_screen_thinks_of_it(county):
    old = format_time(datetime.now(UTC) - screens.LATE_HEAD - timedelta(seconds=1))
    report(county, enrolled(county), head_time=old)

    assert listed(county)["state"] == ScreenState.UNVERIFIED


def test_what_stands_on_the_page_of_cases_is_compared_by_nobody(county):
    answer = report(county, enrolled(county), address="progress", digest="0" * 64)

    assert answer.json() == {"same": None}
    assert listed(county)["state"] == ScreenState.GOOD


@pytest.mark.parametrize("address", ["search?q=张三", "items/张三", "items?department=张三", "../web/", "x" * 300])
def test_an_address_that_somebody_could_have_typed_is_kept_nowhere(county, address):
    report(county, enrolled(county), address=address)

    assert listed(county)["address"] is None
    assert county.execute("kiosk", "SELECT address FROM screen") == [(None,)]


def test_what_a_screen_had_reached_at_a_moment_is_told_to_operators_only(county):
    before = datetime.now(UTC)
    report(county, enrolled(county), position=7)
    seen = listed(county)["seen_at"]

    told = operator(county, "GET", "/hall-1/position", params={"at": seen}).json()
    assert (told["position"], told["since"]) == (7, seen)
    told = operator(county, "GET", "/hall-1/position", params={"at": format_time(before)}).json()
    assert (told["position"], told["since"], told["until"]) == (None, None, None)
    refused = operator(county, "GET", "/hall-1/position", token="", params={"at": seen})
    assert refused.status_code == httpx.codes.UNAUTHORIZED


def test_a_report_has_no_room_for_anything_else(county):
    answer = report(county, enrolled(county), note="张三 13800138000")

    assert answer.status_code == 422
    assert "张三" not in answer.text
    shown_and_kept = {"address", "digest", "position", "head_time", "freshness", "kept", "kept_of", "kept_at"}
    assert set(screens.ScreenReport.model_fields) == shown_and_kept


def test_a_code_works_once(county):
    code = offer(county)

    assert [enrol(county, code).status_code for _ in range(2)] == [200, 404]


def test_every_code_that_does_not_work_gets_the_same_answer(county):
    used, revoked, expired = (offer(county, name) for name in ("used", "revoked", "expired"))
    enrol(county, used)
    operator(county, "DELETE", "/revoked")
    county.execute("kiosk", "UPDATE screen SET code_expires_at = '2020-01-01T00:00:00.000000Z' WHERE name = 'expired'")
    answers = [enrol(county, code) for code in (used, revoked, expired, "0000-0000-0000", "what is this", "")]

    assert {(answer.status_code, answer.text) for answer in answers} == {(404, answers[0].text)}


def test_codes_cannot_be_tried_out(county):
    answers = [enrol(county, "0000-0000-0000").status_code for _ in range(12)]

    assert answers == [404] * 10 + [429] * 2
    assert enrol(county, offer(county)).status_code == 429


@pytest.mark.parametrize("token", [None, "wrong", SERVICE])
def test_only_an_operator_offers_and_revokes(county, token):
    assert operator(county, "POST", token=token, json={"name": "hall-1"}).status_code == 401
    assert operator(county, "DELETE", "/hall-1", token=token).status_code == 401
    assert operator(county, "GET", token=token).status_code == (200 if token == SERVICE else 401)


@pytest.mark.parametrize("name", ["张三", "hall 1", "", "x" * 41, "-1"])
def test_a_screen_is_called_after_a_place(county, name):
    assert operator(county, "POST", json={"name": name}).status_code == 422


def test_a_revoked_screen_is_refused_and_not_red(county):
    token = enrolled(county)
    report(county, token)
    operator(county, "DELETE", "/hall-1")

    assert report(county, token).status_code == 401
    assert (listed(county)["state"], listed(county)["red"]) == (ScreenState.REVOKED, False)
    assert operator(county, "DELETE", "/nobody").status_code == 404


def test_a_stranger_reports_nothing(county):
    enrolled(county)

    assert [report(county, token).status_code for token in (None, "x" * 43)] == [401, 401]


def test_another_screen_of_the_same_name_takes_the_place_of_the_first(county):
    first = enrolled(county)
    code = offer(county)
    while_waiting = report(county, first).status_code
    second = token_of(enrol(county, code))

    assert while_waiting == 200
    assert [report(county, token).status_code for token in (first, second)] == [401, 200]


def test_neither_token_nor_code_can_be_read_in_the_database(county):
    code, token = offer(county, "waiting"), enrolled(county)
    rows = repr(county.execute("kiosk", "SELECT * FROM screen"))

    assert len(token) >= 43
    assert not any(secret in rows for secret in (token, code, code.replace("-", "")))
    assert len(re.findall(r"\b[0-9a-f]{64}\b", rows)) == 2


def test_the_token_is_hidden_from_scripts_and_goes_to_one_path(county):
    cookies = enrol(county, offer(county)).headers.get_list("set-cookie")
    token, name = sorted(cookies, key=len, reverse=True)

    assert all(part in token for part in ("HttpOnly", "SameSite=strict", "Path=/kiosk/v1/screen;"))
    assert name.startswith("tongyuan_screen_name=hall-1;")
    assert "HttpOnly" not in name


def test_a_screen_that_reports_stays_enrolled_for_another_year(county):
    token = enrolled(county)
    cookies = report(county, token).headers.get_list("set-cookie")

    assert [cookie.partition(";")[0] for cookie in cookies] == [
        f"tongyuan_screen={token}",
        "tongyuan_screen_name=hall-1",
    ]
    assert all("Max-Age=31622400" in cookie for cookie in cookies)


def test_a_page_that_is_asked_for_over_tls_gets_a_cookie_for_tls(county):
    county.http.base_url = httpx.URL("https://testserver")

    assert all("Secure" in cookie for cookie in enrol(county, offer(county)).headers.get_list("set-cookie"))


def test_a_rebuild_loses_no_screen(county):
    token = enrolled(county)
    report(county, token)
    before = county.execute("kiosk", "SELECT * FROM screen")
    county.rebuild("kiosk", full=True)
    county.rebuild("kiosk", new_epoch=True)

    assert county.execute("kiosk", "SELECT * FROM screen") == before
    assert report(county, token).json() == {"same": True}


def test_the_metric_counts_screens_by_state_and_names_none(county):
    report(county, enrolled(county))
    offer(county, "hall-2")
    told = [line for line in generate_latest().decode().splitlines() if line.startswith("tongyuan_kiosk_screens{")]

    assert {'tongyuan_kiosk_screens{state="good"} 1.0', 'tongyuan_kiosk_screens{state="waiting"} 1.0'} <= set(told)
    assert len(told) == len(ScreenState)


THEMES = list(ENGLISH)
FACETS = Facets([(THEMES[0], 2)], [(THEMES[-1], 1)], [("公安局", 3)])


def test_every_page_that_a_finger_can_reach_is_known_in_one_spelling():
    lists = [addresses.listing(choice, 2) for choice in addresses.choices(FACETS)]

    assert all(addresses.known(address, FACETS) for address in (*addresses.FIXED, PAGE, *lists))


@given(st.text(max_size=40))
def test_what_anybody_types_is_no_address(text):
    for address in (f"search?q={text}", f"items?department={text}", f"items?q={text}&page=2", f"progress/{text}"):
        assert not addresses.known(address, FACETS)


WORDS = st.text("甲乙AB1 \t\n&<>", max_size=12)


@given(st.lists(WORDS, max_size=6), WORDS, WORDS)
def test_the_glass_is_what_stands_in_main_whatever_the_white_space_and_without_what_scripts_put_there(parts, kept, out):
    def page(joint, kept, out):
        inner = joint.join(f"<p>{_escaped(part)}</p>" for part in parts)
        script = f"<span data-keep><b>{_escaped(kept)}</b><input></span>"
        return (
            f"<title>{_escaped(out)}</title><main><svg><path/></svg>{inner}{script}<br> </main><p>{_escaped(out)}</p>"
        )

    assert displayed_digest.digest_of(page(" ", kept, out)) == displayed_digest.digest_of(page("\n  ", "", ""))


@given(st.text("甲乙AB", min_size=1, max_size=8), st.text("甲乙AB", min_size=1, max_size=8))
def test_another_text_is_another_glass(one, other):
    same = displayed_digest.digest_of(f"<main>{one}</main>") == displayed_digest.digest_of(f"<main>{other}</main>")

    assert same == (one == other)


@given(st.integers(0, 30), st.integers(0, 30), st.sampled_from(["now", "late", "wrong"]))
def test_no_screen_that_is_silent_or_old_for_ten_seconds_is_called_good(seen, other, freshness):
    now = datetime.now(UTC)
    ago = lambda seconds: format_time(now - timedelta(seconds=seconds))  # noqa: E731
    row = SimpleNamespace(
        token_hash="0",
        revoked_at=None,
        code_hash=None,
        enrolled_at=ago(99),
        seen_at=ago(seen),
        head_time=ago(0),
        freshness=freshness,
        other_since=ago(other) if other else None,
    )
    state = screens.judge(row, now)

    assert state == ScreenState.GOOD or state in screens.RED
    if seen >= 10 or other >= 10 or freshness != "now":
        assert state in screens.RED


def _escaped(text):
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
