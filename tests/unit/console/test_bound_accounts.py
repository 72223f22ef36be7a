"""An account belongs to one person of the provider: the first complete sign-in binds it, and only an administrator
frees it.
"""

import time
from collections.abc import Iterator

import httpx
import pyotp
import pytest

from services.console.accounts import changes
from services.console.accounts.rights import SECURE_COOKIE
from services.console.accounts.second_factor import STEP_SECONDS
from services.console.accounts.sessions import Arrival, Method, Sessions, Stage
from shared.tokens.person import SYSTEM, Person, StaffRole
from tests.harness.desk import Browser, TestDesk, desk
from tests.harness.openid_provider import OpenIdProvider, openid_provider

SUB = "f4b1c2-of-the-person"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TestDesk, OpenIdProvider]]:
    folder = tmp_path_factory.mktemp("bound")
    with openid_provider() as provider, desk(folder, demo=False, **provider.settings(folder)) as place:
        yield place, provider


@pytest.fixture
def provider(pair: tuple[TestDesk, OpenIdProvider]) -> OpenIdProvider:
    return pair[1]


@pytest.fixture
def place(pair: tuple[TestDesk, OpenIdProvider]) -> TestDesk:
    return pair[0]


def account(place: TestDesk, name: str) -> str:
    """Return the account of a new editor."""
    return place.person(name, StaffRole.EDITOR)


def come(place: TestDesk, provider: OpenIdProvider, name: str, sub: str) -> tuple[Browser, httpx.Response]:
    provider.person = {"preferred_username": name, "sub": sub}
    browser = place.browser()
    went = browser.get("/sign-in/oidc")
    return browser, browser.get(provider.authorize(went.headers["location"]))


def is_in(browser: Browser) -> bool:
    return browser.get("/v1/me").status_code == httpx.codes.OK


def rows(place: TestDesk, name: str) -> list[tuple[str, str]]:
    """Return actions about an account and what is told of the binding, oldest first."""
    with place.db.read() as session:
        found = changes.newest(session, name, None, 100)
    told = [(one["action"], (one["after"] or one["before"] or {})) for one in reversed(found)]
    return [(action, str(more.get("unit_account") or more.get("reason") or "")) for action, more in told]


def test_the_first_sign_in_binds_and_the_same_person_comes_again(place: TestDesk, provider: OpenIdProvider) -> None:
    name = account(place, "first")

    assert is_in(come(place, provider, name, SUB + "1")[0])
    assert is_in(come(place, provider, name, SUB + "1")[0])

    told = rows(place, name)
    assert [action for action, _ in told] == ["person.bound", "person.signed_in", "person.signed_in"]
    assert len(told[0][1]) == 16
    assert SUB not in str(told)
    assert place.people.account(name).bound_at is not None


def test_another_person_of_the_same_name_is_refused_with_a_sentence_for_the_administrator(
    place: TestDesk, provider: OpenIdProvider
) -> None:
    name = account(place, "left")
    come(place, provider, name, SUB + "2")

    browser, answer = come(place, provider, name, SUB + "3")

    assert answer.status_code == httpx.codes.FORBIDDEN
    assert "告诉系统管理员" in answer.text
    assert "解除绑定" in answer.text
    assert not is_in(browser)
    assert rows(place, name)[-1] == ("person.sign_in_refused", "bound_to_another")


def test_one_person_opens_one_account(place: TestDesk, provider: OpenIdProvider) -> None:
    """Whoever may choose the claim's value at the provider gets no second account by it."""
    one, other = account(place, "own"), account(place, "other")
    come(place, provider, one, SUB + "4")

    assert not is_in(come(place, provider, other, SUB + "4")[0])
    assert rows(place, other)[-1] == ("person.sign_in_refused", "bound_to_another")
    assert place.people.account(other).bound_subject is None


def test_an_administrator_frees_the_account_and_the_next_one_is_bound(
    place: TestDesk, provider: OpenIdProvider
) -> None:
    name, boss = account(place, "freed"), place.browser()
    two_factors = Arrival("testclient", "a test", Method.OIDC_TWO_FACTORS)
    administrator = place.person("boss", StaffRole.ADMINISTRATOR)
    boss.cookies.set(SECURE_COOKIE, Sessions(place.db).begin(administrator, Stage.COMPLETE, two_factors))
    before, _ = come(place, provider, name, SUB + "5")
    assert "解除单位账号的绑定" in boss.get(f"/people/{name}").text

    done = boss.submit(f"/people/{name}/unbind")

    assert "已解除绑定" in boss.get(done.headers["location"].removeprefix("/console")).text
    assert "解除单位账号的绑定</summary>" not in boss.get(f"/people/{name}").text
    assert not is_in(before)
    assert is_in(come(place, provider, name, SUB + "6")[0])
    assert not is_in(come(place, provider, name, SUB + "5")[0])
    assert [action for action, _ in rows(place, name)] == [
        "person.bound", "person.signed_in", "person.unbound", "person.bound", "person.signed_in",
        "person.sign_in_refused",
    ]  # fmt: skip


def test_to_free_an_account_that_is_not_bound_changes_nothing(place: TestDesk) -> None:
    name = account(place, "free")

    place.people.unbind(SYSTEM, name)

    assert [action for action, _ in rows(place, name)] == []


def test_who_does_not_pass_the_second_factor_binds_nothing(place: TestDesk, provider: OpenIdProvider) -> None:
    """Else whoever gets a name at the provider would lock its owner out."""
    name, credentials = account(place, "strict"), place.api.state.sign_ins.credentials
    person = Person(name, "两步", frozenset({StaffRole.EDITOR}))
    secret = credentials.begin_second_factor(person)
    credentials.confirm_second_factor(person, pyotp.TOTP(secret).at(time.time() - STEP_SECONDS))

    stranger, _ = come(place, provider, name, SUB + "7")
    assert stranger.submit("/sign-in/code", code="000000").status_code != httpx.codes.SEE_OTHER
    assert place.people.account(name).bound_subject is None
    owner, _ = come(place, provider, name, SUB + "8")
    owner.submit("/sign-in/code", code=pyotp.TOTP(secret).now())

    assert is_in(owner)
    # The stranger was on the way meanwhile, and has got a code by now.
    late = stranger.submit("/sign-in/code", code=pyotp.TOTP(secret).at(time.time() + STEP_SECONDS))
    assert "解除绑定" in late.text
    assert not is_in(stranger)
