"""Callers' tokens: one algorithm, one callee, a short life, and a reason with its remedy for any invalid token."""

import base64
import json
import time
from collections.abc import Callable

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Forbidden, SettingsError
from shared.tokens.checking import LEEWAY_SECONDS, Callers, Permission
from shared.tokens.keys import private_key, public_keys
from shared.tokens.minting import LIFETIME_SECONDS, Bearer, Minter
from shared.tokens.rights import Right
from tests.harness.callers import public_digits

KEY, OTHER = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
BODIES = Permission(frozenset({Right.BODIES}))
LEDGER = Callers("ledger", public_keys(f"web+{public_digits(KEY)}"), {"web": BODIES, "kiosk": BODIES})
NOW = 1_900_000_000


def at(moment: float) -> Callable[[], float]:
    return lambda: moment


def made(caller: str = "web", key: Ed25519PrivateKey = KEY, callee: str = "ledger", **more: object) -> str:
    return Minter(caller, key, callee, **more).token()


def claimed(header: dict[str, object], **claims: object) -> str:
    return jwt.encode(claims, KEY, algorithm="EdDSA", headers={"kid": "web", **header})


def refused(token: str, reason: str | None = None, callers: Callers = LEDGER) -> None:
    with pytest.raises(Forbidden, match=reason):
        callers.caller(token)


def test_a_token_opens_what_the_manifest_says_and_not_what_it_says_itself() -> None:
    found = LEDGER.caller(made())
    assert (found.name, found.rights) == ("web", {Right.BODIES})


def test_a_token_is_for_one_callee() -> None:
    refused(made(callee="catalog"), "not for ledger: make one for it")
    now = int(time.time())
    refused(claimed({}, iss="web", aud=["ledger", "catalog"], iat=now, exp=now + 60), "not for ledger")


def test_a_caller_that_the_manifests_do_not_name_is_refused_with_the_remedy() -> None:
    refused(made("stranger"), "knows no caller of this name")
    refused(made("kiosk"), "add it to TONGYUAN_CALLERS of ledger")


def test_a_caller_cannot_speak_for_another() -> None:
    refused(made(key=OTHER), "not signed by a key of web")
    both = Callers("ledger", public_keys(f"web+{public_digits(KEY)},kiosk+{public_digits(OTHER)}"), LEDGER.permissions)
    token = jwt.encode({"iss": "web", "aud": "ledger", "iat": 1, "exp": 2}, OTHER, "EdDSA", headers={"kid": "kiosk"})
    refused(token, "the token is invalid|expired", both)


@pytest.mark.parametrize(("age", "reason"), [
    (LIFETIME_SECONDS + LEEWAY_SECONDS + 5, "expired: make a new one, or compare the clocks"),
    (-LEEWAY_SECONDS - 5, "issued in the future: compare the clocks"),
])  # fmt: skip
def test_clocks_may_be_a_minute_apart_and_no_more(age: int, reason: str) -> None:
    now = time.time()
    LEDGER.caller(made(clock=at(now - LIFETIME_SECONDS - LEEWAY_SECONDS + 5)))
    LEDGER.caller(made(clock=at(now + LEEWAY_SECONDS - 5)))
    refused(made(clock=at(now - age)), reason)


def test_a_caller_cannot_give_itself_a_long_life() -> None:
    refused(made(lifetime=LIFETIME_SECONDS + 1), "may use at most 300 s")


@pytest.mark.parametrize("missing", ["iss", "aud", "iat", "exp"])
def test_every_claim_must_be_there(missing: str) -> None:
    now = int(time.time())
    claims = {"iss": "web", "aud": "ledger", "iat": now, "exp": now + 60}
    refused(claimed({}, **{name: value for name, value in claims.items() if name != missing}), "is invalid|not for")


def test_no_other_algorithm_is_taken() -> None:
    public = KEY.public_key().public_bytes_raw()
    header = {"alg": "none", "kid": "web"}
    body = {"iss": "web", "aud": "ledger", "iat": NOW, "exp": NOW + 60}
    unsigned = ".".join(_b64(json.dumps(part).encode()) for part in (header, body)) + "."
    refused(unsigned, "the token is invalid")
    refused(jwt.encode(body, public.hex() * 2, algorithm="HS256", headers={"kid": "web"}), "the token is invalid")


def test_while_a_key_is_replaced_both_are_taken() -> None:
    both = public_keys(f"web+{public_digits(OTHER)},web+{public_digits(KEY)}")
    callers = Callers("ledger", both, LEDGER.permissions)
    assert {callers.caller(made(key=key)).name for key in (KEY, OTHER)} == {"web"}


@given(st.text(max_size=200) | st.binary(max_size=60).map(lambda raw: f"{_b64(raw)}.{_b64(raw)}.{_b64(raw)}"))
def test_whatever_is_sent_instead_of_a_token_is_refused_and_breaks_nothing(sent: str) -> None:
    refused(sent)


@given(st.integers(0, 10_000), st.sampled_from("abcXYZ09-_"))
def test_a_token_that_was_changed_anywhere_does_not_open(place: int, letter: str) -> None:
    token = made()
    changed = token[: place % len(token)] + letter + token[place % len(token) + 1 :]
    # The last letter of base64 contains unused bits.
    if changed != token and not changed.startswith(token[:-1]):
        refused(changed)


def test_deep_nesting_in_a_header_is_refused() -> None:
    refused(f"{_b64(b'[' * 1400)}.e30.e30", "not one of this county's")


def test_a_token_is_renewed_while_half_of_its_life_is_left() -> None:
    moment = [float(NOW)]
    minter = Minter("web", KEY, "ledger", clock=lambda: moment[0])
    first = minter.token()
    moment[0] += LIFETIME_SECONDS / 2 - 1
    assert minter.token() == first
    moment[0] += 2
    assert minter.token() != first


def test_after_a_clock_was_set_back_no_token_from_the_future_is_sent() -> None:
    moment = [float(NOW)]
    minter = Minter("web", KEY, "ledger", clock=lambda: moment[0])
    first = minter.token()
    moment[0] -= 3600
    assert minter.token() != first


def test_a_client_sends_the_newest_token_with_each_request() -> None:
    moment, seen = [float(NOW)], []
    minter = Minter("web", KEY, "ledger", clock=lambda: moment[0])

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["authorization"])
        return httpx.Response(200)

    with httpx.Client(transport=httpx.MockTransport(answer), auth=Bearer(minter)) as client:
        for _ in range(3):
            client.get("http://ledger/")
            moment[0] += LIFETIME_SECONDS / 2
    assert len(set(seen)) == 3


@pytest.mark.parametrize("digits", ["", "x" * 64, "00" * 31, "00" * 33])
def test_a_setting_that_is_no_key_is_named_and_not_repeated(digits: str) -> None:
    with pytest.raises(SettingsError, match="TONGYUAN_CALLER_KEY: must be 64 hexadecimal digits") as caught:
        private_key(digits, "TONGYUAN_CALLER_KEY")
    assert not digits or digits not in str(caught.value)


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
