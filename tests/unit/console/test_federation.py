"""Signing in with an account of the unit, at a real OpenID provider on loopback: who is let in, and everything else."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import jwt
import pyotp
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlmodel import delete, select

from services.console.accounts import changes
from services.console.accounts.model import SignInFailureRow
from services.console.accounts.second_factor import STEP_SECONDS
from services.console.federation.exchange import Exchange
from services.console.federation.metadata import Metadata
from services.console.federation.provider import provider_of
from shared.tokens.person import SYSTEM, Person, StaffRole
from tests.harness.desk import GOOD_PASSWORD, Browser, TestDesk, desk
from tests.harness.openid_provider import (
    CLIENT_ID,
    CLIENT_SECRET,
    Claims,
    OpenIdProvider,
    ec_key,
    openid_provider,
    rsa_key,
    signed,
)

PENDING = "__Host-console-oidc"
SESSION = "__Host-console"
TRUSTED_ACR, TRUSTED_AMR = "urn:unit:two-factors", "otp"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TestDesk, OpenIdProvider]]:
    folder = tmp_path_factory.mktemp("federated")
    with openid_provider() as provider:
        stated = provider.settings(folder) | {"oidc_trusted_acr": TRUSTED_ACR, "oidc_trusted_amr": TRUSTED_AMR}
        with desk(folder, demo=False, **stated) as place:
            place.person("editor", StaffRole.EDITOR)
            place.person("releaser", StaffRole.RELEASER)
            place.people.lock(SYSTEM, place.person("locked", StaffRole.EDITOR))
            yield place, provider


@pytest.fixture
def place(pair: tuple[TestDesk, OpenIdProvider]) -> TestDesk:
    with pair[0].db.write() as session:
        session.exec(delete(SignInFailureRow))
    return pair[0]


@pytest.fixture
def provider(pair: tuple[TestDesk, OpenIdProvider]) -> OpenIdProvider:
    """The provider, honest, with the account `editor` signed in."""
    one = pair[1]
    one.person, one.changes, one.sign = {"preferred_username": "editor"}, {}, signed
    one.keys, one.signs_with, one.algorithm, one.auth_methods = {"one": rsa_key()}, "one", "RS256", None
    one.answers.clear()
    return one


def back_from(place: TestDesk, provider: OpenIdProvider, following: str = "") -> tuple[Browser, str]:
    """Return a browser that was at the provider, and the address that it is led back to."""
    browser = place.browser()
    went = browser.get("/sign-in/oidc", params={"next": following} if following else {})
    assert went.status_code == httpx.codes.SEE_OTHER, went.text
    return browser, provider.authorize(went.headers["location"])


def come(place: TestDesk, provider: OpenIdProvider, following: str = "") -> tuple[Browser, httpx.Response]:
    browser, address = back_from(place, provider, following)
    return browser, browser.get(address)


def goes_on_to(answer: httpx.Response) -> str:
    assert answer.status_code == httpx.codes.OK, answer.text
    return answer.text.partition('http-equiv="refresh" content="0; url=')[2].partition('"')[0]


def newest(place: TestDesk) -> dict[str, Any]:
    with place.db.read() as session:
        return changes.newest(session, None, None, 1)[0]


def refused_for(place: TestDesk, browser: Browser, answer: httpx.Response) -> str:
    """Return the reason in the audit log of a sign-in that was refused and has left nothing."""
    assert answer.status_code in (httpx.codes.FORBIDDEN, httpx.codes.SERVICE_UNAVAILABLE)
    assert "没有登录" in answer.text
    assert SESSION not in browser.cookies
    assert browser.get("/v1/me").status_code == httpx.codes.UNAUTHORIZED
    row = newest(place)
    assert row["action"] == "person.sign_in_refused"
    reason: str = row["after"]["reason"]
    return reason


def test_a_person_signs_in_and_lands_on_the_wanted_page_by_a_step_of_this_site(
    place: TestDesk, provider: OpenIdProvider
) -> None:
    """A redirect from the provider's page would go without the session's cookie: the page itself goes on."""
    browser, answer = come(place, provider, "/console/content?page=2")

    assert goes_on_to(answer) == "/console/content?page=2"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "samesite=strict" in answer.headers["set-cookie"].lower()
    assert PENDING not in browser.cookies
    assert browser.get("/v1/me").json()["name"] == "editor"
    row = newest(place)
    assert (row["action"], row["account"], row["after"]) == ("person.signed_in", "editor", {"method": "oidc"})


@pytest.mark.parametrize(
    ("algorithm", "key"), [("RS256", rsa_key), ("PS256", rsa_key), ("ES256", ec_key)], ids=["RS256", "PS256", "ES256"]
)
def test_tokens_of_the_three_allowed_algorithms_count(
    place: TestDesk, provider: OpenIdProvider, algorithm: str, key: Callable[[int], Any]
) -> None:
    provider.keys, provider.signs_with, provider.algorithm = {algorithm: key(7)}, algorithm, algorithm
    forget_keys(place)

    assert goes_on_to(come(place, provider)[1]) == "/console/"


def forget_keys(place: TestDesk) -> None:
    """As if the desk had been started again."""
    known = provider_of(place.desk.settings)
    assert known is not None
    place.api.state.federation.metadata = Metadata(known, Exchange(known))


def test_the_secret_may_go_with_the_form_where_the_provider_wants_it(place: TestDesk, provider: OpenIdProvider) -> None:
    provider.auth_methods = ["client_secret_post"]
    forget_keys(place)
    assert goes_on_to(come(place, provider)[1]) == "/console/"
    provider.auth_methods = None
    forget_keys(place)


def test_the_cookie_on_the_way_is_lax_short_lived_and_tells_nothing(place: TestDesk, provider: OpenIdProvider) -> None:
    browser = place.browser()
    went = browser.get("/sign-in/oidc")
    query = httpx.URL(went.headers["location"]).params
    cookie = went.headers["set-cookie"].lower()

    for part in ("samesite=lax", "httponly", "secure", "max-age=600"):
        assert part in cookie
    for value in (query["state"], query["nonce"]):
        assert value not in base64.urlsafe_b64decode(browser.cookies[PENDING] + "==").decode("latin-1")
    assert CLIENT_SECRET not in str(query)
    assert query["acr_values"] == TRUSTED_ACR


def unsigned(_provider: OpenIdProvider, claims: Claims) -> str:
    return jwt.encode(claims, None, "none", headers={"kid": "one"})


def by_public_key(provider: OpenIdProvider, claims: Claims) -> str:
    """A token whose shared secret is what everybody knows: the public key."""
    public = provider.keys["one"].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def part(value: Claims) -> bytes:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")

    text = part({"alg": "HS256", "typ": "JWT", "kid": "one"}) + b"." + part(claims)
    mac = hmac.new(public, text, hashlib.sha256).digest()
    return (text + b"." + base64.urlsafe_b64encode(mac).rstrip(b"=")).decode()


def by_stranger(_provider: OpenIdProvider, claims: Claims) -> str:
    return jwt.encode(claims, rsa_key(8), "RS256", headers={"kid": "one"})


def of_unknown_key(_provider: OpenIdProvider, claims: Claims) -> str:
    return jwt.encode(claims, rsa_key(8), "RS256", headers={"kid": "nobody's"})


def with_swapped_algorithm(provider: OpenIdProvider, claims: Claims) -> str:
    return jwt.encode(claims, ec_key(), "ES256", headers={"kid": provider.signs_with})


def garbage(_provider: OpenIdProvider, _claims: Claims) -> str:
    return "no.token.atall"


@pytest.mark.parametrize(
    ("sign", "reason"),
    [
        (unsigned, "algorithm_not_allowed"),
        (by_public_key, "algorithm_not_allowed"),
        (with_swapped_algorithm, "algorithm_not_allowed"),
        (by_stranger, "wrong_signature"),
        (of_unknown_key, "unknown_key"),
        (garbage, "malformed_token"),
    ],
)
def test_a_token_that_the_provider_did_not_sign_opens_nothing(
    place: TestDesk, provider: OpenIdProvider, sign: Callable[[OpenIdProvider, Claims], str], reason: str
) -> None:
    forget_keys(place)
    provider.sign = sign

    assert refused_for(place, *come(place, provider)) == reason


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"nonce": "of another sign-in"}, "wrong_nonce"),
        ({"nonce": None}, "malformed_token"),
        ({"aud": "another client"}, "wrong_audience"),
        ({"aud": [CLIENT_ID, "another"]}, "wrong_audience"),
        ({"aud": [CLIENT_ID, "another"], "azp": "another"}, "wrong_audience"),
        ({"azp": "another"}, "wrong_audience"),
        ({"iss": "http://127.0.0.1:1/realm"}, "wrong_issuer"),
        ({"exp": int(time.time()) - 61}, "token_expired"),
        ({"exp": None}, "malformed_token"),
        ({"iat": int(time.time()) + 3600}, "wrong_time"),
        ({"iat": int(time.time()) - 3600}, "wrong_time"),
        ({"sub": None}, "malformed_token"),
        ({"sub": ""}, "malformed_token"),
        ({"sub": "s" * 256}, "malformed_token"),
        ({"preferred_username": None}, "no_account_name"),
        ({"preferred_username": ["editor"]}, "no_account_name"),
        ({"preferred_username": "nobody.here"}, "no_such_account"),
        ({"preferred_username": "Editor"}, "no_such_account"),
        ({"preferred_username": "x" * 5000}, "no_such_account"),
    ],
)
def test_a_token_that_is_not_for_this_sign_in_opens_nothing(
    place: TestDesk, provider: OpenIdProvider, changes: Claims, reason: str
) -> None:
    provider.changes = changes

    assert refused_for(place, *come(place, provider)) == reason


def test_clocks_may_differ_by_less_than_a_minute(place: TestDesk, provider: OpenIdProvider) -> None:
    now = int(time.time())
    provider.changes = {"iat": now + 40, "exp": now - 20}

    assert goes_on_to(come(place, provider)[1]) == "/console/"


def test_several_audiences_count_if_the_token_was_issued_to_the_desk(place: TestDesk, provider: OpenIdProvider) -> None:
    provider.changes = {"aud": ["another", CLIENT_ID], "azp": CLIENT_ID}

    assert goes_on_to(come(place, provider)[1]) == "/console/"


def test_unknown_and_locked_are_told_in_the_same_words_and_no_account_is_created(
    place: TestDesk, provider: OpenIdProvider
) -> None:
    before = {row.name for row in place.people.people()}
    pages = {}
    for name in ("stranger", "locked"):
        provider.person = {"preferred_username": name}
        browser, answer = come(place, provider)
        pages[refused_for(place, browser, answer)] = answer.text
        assert newest(place)["account"] == ("locked" if name == "locked" else "*")

    assert pages["no_such_account"] == pages["account_locked"]
    assert {row.name for row in place.people.people()} == before


def test_an_answer_counts_once(place: TestDesk, provider: OpenIdProvider) -> None:
    """Even for a browser that kept its cookie, and a provider that would take the code again."""
    browser, address = back_from(place, provider)
    kept = browser.cookies[PENDING]
    assert goes_on_to(browser.get(address)) == "/console/"
    again = place.browser()
    again.cookies.set(PENDING, kept)
    used = len(provider.asked)

    assert refused_for(place, again, again.get(address)) == "not_begun_here"
    assert len(provider.asked) == used


def test_a_code_that_was_used_at_the_provider_is_refused_there(place: TestDesk, provider: OpenIdProvider) -> None:
    first, address = back_from(place, provider)
    assert goes_on_to(first.get(address)) == "/console/"
    spent = httpx.URL(address).params["code"]
    second, address = back_from(place, provider)

    answer = second.get(str(httpx.URL(address).copy_set_param("code", spent)))
    assert refused_for(place, second, answer) == "code_refused"


def test_an_answer_opens_nothing_in_another_browser(place: TestDesk, provider: OpenIdProvider) -> None:
    """Somebody else's account must not be slipped under a colleague: the state is that of one browser."""
    _, address = back_from(place, provider)
    without = place.browser()
    assert refused_for(place, without, without.get(address)) == "not_begun_here"
    with_own, _ = back_from(place, provider)
    assert refused_for(place, with_own, with_own.get(address)) == "not_begun_here"
    forged = place.browser()
    forged.cookies.set(PENDING, "A" * 200)
    assert refused_for(place, forged, forged.get(address)) == "not_begun_here"


def test_an_answer_of_another_provider_is_not_taken(place: TestDesk, provider: OpenIdProvider) -> None:
    browser, address = back_from(place, provider)
    answer = browser.get(str(httpx.URL(address).copy_set_param("iss", "https://another.test")))

    assert refused_for(place, browser, answer) == "wrong_issuer"


def test_who_cancels_at_the_provider_is_told_so(place: TestDesk, provider: OpenIdProvider) -> None:
    browser, address = back_from(place, provider)
    state = httpx.URL(address).params["state"]

    answer = browser.get("/sign-in/oidc/return", params={"state": state, "error": "access_denied"})
    assert refused_for(place, browser, answer) == "denied_by_provider"
    assert "access_denied" not in answer.text


@pytest.mark.parametrize(
    "following",
    ["https://evil.test/", "//evil.test/", "/console/../evil", "/\\evil.test", "/console/\n", "javascript:alert(1)"],
)
def test_signing_in_leads_to_no_other_site(place: TestDesk, provider: OpenIdProvider, following: str) -> None:
    _, answer = come(place, provider, following)

    assert httpx.URL("https://desk.test/console/sign-in").join(goes_on_to(answer)).host == "desk.test"
    assert "evil.test" not in answer.text


def test_the_second_factor_is_asked_for_unless_the_provider_has_checked_one_that_counts(
    place: TestDesk, provider: OpenIdProvider
) -> None:
    credentials = place.api.state.sign_ins.credentials
    person = Person(place.person("both", StaffRole.RELEASER), "两样", frozenset({StaffRole.RELEASER}))
    secret = credentials.begin_second_factor(person)
    credentials.confirm_second_factor(person, pyotp.TOTP(secret).at(time.time() - STEP_SECONDS))
    provider.person = {"preferred_username": "both", "acr": "urn:unit:password", "amr": ["pwd"]}

    browser, answer = come(place, provider, "/console/release")
    assert goes_on_to(answer) == "/console/sign-in/code?next=%2Fconsole%2Frelease"
    assert browser.get("/v1/me").status_code == httpx.codes.UNAUTHORIZED
    done = browser.submit("/sign-in/code", code=pyotp.TOTP(secret).now(), next="/console/release")
    assert done.headers["location"] == "/console/release"
    assert newest(place)["after"] == {"method": "oidc"}

    for checked in ({"acr": TRUSTED_ACR}, {"amr": ["pwd", TRUSTED_AMR]}):
        provider.person = {"preferred_username": "both", **checked}
        browser, answer = come(place, provider)
        assert goes_on_to(answer) == "/console/"
        assert browser.get("/v1/me").json()["name"] == "both"
        assert newest(place)["after"] == {"method": "oidc_two_factors"}


def test_who_needs_a_second_factor_and_has_none_anywhere_sets_one_up(place: TestDesk, provider: OpenIdProvider) -> None:
    provider.person = {"preferred_username": "releaser"}
    browser, answer = come(place, provider)
    assert goes_on_to(answer) == "/console/sign-in/enrolment"
    assert browser.get("/v1/me").status_code == httpx.codes.UNAUTHORIZED

    provider.person = {"preferred_username": "releaser", "acr": TRUSTED_ACR}
    browser, answer = come(place, provider)
    assert goes_on_to(answer) == "/console/"
    assert browser.get("/v1/me").is_success


def test_an_account_with_only_a_one_time_password_needs_no_other_one(place: TestDesk, provider: OpenIdProvider) -> None:
    one_time = place.people.create(SYSTEM, Person("fresh", "新来的", frozenset({StaffRole.EDITOR})))
    provider.person = {"preferred_username": "fresh"}

    browser, answer = come(place, provider)
    assert goes_on_to(answer) == "/console/"
    assert browser.get("/v1/me").json()["name"] == "fresh"
    by_password = place.browser().post("/sign-in", data={"name": "fresh", "password": one_time})
    assert by_password.headers["location"] == "/console/sign-in/password"


def test_a_session_ends_when_the_account_is_locked(place: TestDesk, provider: OpenIdProvider) -> None:
    provider.person = {"preferred_username": place.person("leaving", StaffRole.EDITOR)}
    browser, _ = come(place, provider)
    assert browser.get("/v1/me").is_success
    place.people.lock(SYSTEM, "leaving")

    assert browser.get("/v1/me").status_code == httpx.codes.UNAUTHORIZED


def test_returns_that_fail_are_slowed_down_like_passwords(place: TestDesk, provider: OpenIdProvider) -> None:
    statuses = [place.browser().get("/sign-in/oidc/return?state=x&code=y").status_code for _ in range(6)]

    assert statuses == [httpx.codes.FORBIDDEN] * 5 + [httpx.codes.TOO_MANY_REQUESTS]


def test_signing_in_there_takes_back_no_guesses_at_passwords_here(place: TestDesk, provider: OpenIdProvider) -> None:
    """Else whoever has an account could guess at colleagues' passwords for ever, from one address."""
    for number in range(3):
        place.browser().post("/sign-in", data={"name": f"guessed{number}", "password": "x"})
    before = sum(failures(place))
    for _ in range(3):
        assert goes_on_to(come(place, provider)[1]) == "/console/"

    assert sum(failures(place)) == before


def failures(place: TestDesk) -> list[int]:
    with place.db.read() as session:
        return [row.failures for row in session.exec(select(SignInFailureRow)) if row.failures]


def test_no_code_token_or_secret_is_stored_or_logged(
    place: TestDesk, provider: OpenIdProvider, capsys: pytest.CaptureFixture[str]
) -> None:
    issued: list[str] = []
    provider.sign = lambda one, claims: issued.append(signed(one, claims)) or issued[-1]
    browser, address = back_from(place, provider)
    browser.get(address)
    provider.changes = {"nonce": "wrong"}
    come(place, provider)
    folder = place.desk.settings.data_dir
    stored = b"".join(file.read_bytes() for file in folder.glob("console.db*"))
    said = capsys.readouterr()

    for secret in (*issued, httpx.URL(address).params["code"], CLIENT_SECRET, browser.cookies[SESSION]):
        assert secret.encode() not in stored
        assert secret not in said.out + said.err


@pytest.mark.parametrize(
    "answer",
    [
        lambda: (500, {}, b""),
        lambda: (302, {"Location": "https://evil.test/"}, b""),
        lambda: (200, {}, b"[" * 300_000),
        lambda: (200, {}, b"<html>"),
        lambda: (200, {"Content-Encoding": "gzip"}, b"\x1f\x8b"),
    ],
    ids=["broken", "redirect", "huge", "no JSON", "compressed"],
)
def test_a_provider_that_does_not_answer_properly_is_named_as_the_reason_and_passwords_go_on(
    place: TestDesk, provider: OpenIdProvider, answer: Callable[[], Any]
) -> None:
    provider.answers["/token"] = answer
    browser, given = come(place, provider)
    assert refused_for(place, browser, given) == "provider_unreachable"
    assert place.browser("editor", GOOD_PASSWORD).get("/v1/me").is_success

    provider.answers["/.well-known/openid-configuration"] = answer
    forget_keys(place)
    went = place.browser().get("/sign-in/oidc")
    assert went.status_code == httpx.codes.SERVICE_UNAVAILABLE
    assert "用管理台的密码登录" in went.text


def test_the_sign_in_page_offers_it_only_where_there_is_a_provider(place: TestDesk, real: TestDesk) -> None:
    page = place.browser().get("/sign-in?next=/console/people").text
    assert 'href="/console/sign-in/oidc?next=/console/people"' in page
    assert "单位账号" not in real.browser().get("/sign-in").text
    assert real.browser().get("/sign-in/oidc").status_code == httpx.codes.NOT_FOUND
