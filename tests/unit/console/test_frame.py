"""The frame of the desk: who comes in, what a page carries, and what another site cannot do."""

from collections.abc import Iterator

import httpx
import pytest

from tests.harness.desk import ORIGIN, TestDesk, desk


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestDesk]:
    with desk(tmp_path_factory.mktemp("desk")) as made:
        yield made


def test_without_a_session_a_page_leads_to_signing_in_and_json_says_401(place: TestDesk) -> None:
    nobody = place.browser()

    assert nobody.get("/").headers["location"] == "/console/sign-in?next=%2Fconsole%2F"
    assert nobody.get("/v1/me").status_code == httpx.codes.UNAUTHORIZED


def test_who_is_signed_in_is_named_with_roles(place: TestDesk) -> None:
    me = place.browser("bianji").get("/v1/me").json()

    assert (me["name"], me["roles"]) == ("bianji", ["editor"])


def test_a_page_is_never_stored_and_runs_own_files_alone(place: TestDesk) -> None:
    for answer in (place.browser().get("/sign-in"), place.browser("bianji").get("/")):
        assert answer.headers["cache-control"] == "no-store"
        assert "'unsafe-inline'" not in answer.headers["content-security-policy"]
        assert "<style" not in answer.text
        assert " style=" not in answer.text
        assert "<script>" not in answer.text


def test_the_cookie_is_bound_to_this_host_and_out_of_reach_of_scripts_and_other_sites(place: TestDesk) -> None:
    answer = place.browser().post("/sign-in", data={"name": "bianji", "password": "yunxi-demo-2026"})
    cookie = answer.headers["set-cookie"]

    assert cookie.startswith("__Host-console=")
    assert {"HttpOnly", "Secure", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))


def test_a_write_needs_the_token_of_the_session_and_a_page_of_this_site(place: TestDesk) -> None:
    browser = place.browser("bianji")
    token = browser.csrf

    def end(**sent: str) -> int:
        headers = {
            "sec-fetch-site": sent.get("site", "same-origin"),
            **({"origin": sent["origin"]} if "origin" in sent else {}),
        }
        return browser.post("/sign-out", data={"csrf": sent.get("csrf", token)}, headers=headers).status_code

    assert end(csrf="") == httpx.codes.FORBIDDEN
    assert end(csrf=place.browser("fabu").csrf) == httpx.codes.FORBIDDEN
    assert end(site="cross-site") == httpx.codes.FORBIDDEN
    assert end(site="same-site") == httpx.codes.FORBIDDEN
    assert end(origin="https://elsewhere.test") == httpx.codes.FORBIDDEN
    assert end(origin="null") == httpx.codes.FORBIDDEN
    assert browser.get("/v1/me").is_success
    assert end(origin=ORIGIN) == httpx.codes.SEE_OTHER
    assert browser.get("/v1/me").status_code == httpx.codes.UNAUTHORIZED


def test_a_session_that_was_ended_opens_nothing_even_for_who_kept_the_cookie(place: TestDesk) -> None:
    browser = place.browser("bianji")
    cookies = dict(browser.cookies)
    browser.post("/sign-out", data={"csrf": browser.csrf})

    thief = place.browser()
    thief.cookies.update(cookies)
    assert thief.get("/v1/me").status_code == httpx.codes.UNAUTHORIZED
