"""What the desk takes from an OpenID provider: keys that change, slow or wrong answers, half a configuration."""

import base64
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st

from services.console.federation.exchange import Exchange
from services.console.federation.metadata import FRESH_SECONDS, PAUSE_SECONDS, Metadata
from services.console.federation.pending import GOOD_SECONDS, PendingSignIns
from services.console.federation.provider import Provider, provider_of
from services.console.federation.refusal import Reason, SignInRefused
from shared.config import Settings
from shared.errors import SettingsError
from tests.harness.openid_provider import OpenIdProvider, ec_key, openid_provider, public_jwk, rsa_key


class Clock:
    """Seconds that pass when a test says so."""

    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def running() -> Iterator[OpenIdProvider]:
    with openid_provider() as made:
        yield made


@pytest.fixture
def provider(running: OpenIdProvider) -> OpenIdProvider:
    running.keys, running.drips = {"one": rsa_key()}, False
    running.answers.clear()
    running.asked.clear()
    return running


def known(provider: OpenIdProvider) -> Provider:
    return Provider(provider.issuer, "desk", "secret")


def metadata(provider: OpenIdProvider, clock: Clock) -> Metadata:
    return Metadata(known(provider), Exchange(known(provider), 0.5), clock)


def reason_of(metadata: Metadata, kid: str | None) -> Reason:
    with pytest.raises(SignInRefused) as refused:
        metadata.key(kid)
    return refused.value.reason


def test_a_new_key_is_fetched_when_a_token_names_it_and_at_most_once_a_minute(provider: OpenIdProvider) -> None:
    clock = Clock()
    found = metadata(provider, clock)
    found.key("one")
    provider.keys["two"] = ec_key()
    for _ in range(5):
        assert reason_of(found, "two") == Reason.UNKNOWN_KEY
    assert provider.asked.count("/keys") == 1

    clock.now += PAUSE_SECONDS
    assert found.key("two").algorithms == ("ES256",)
    assert reason_of(found, "three") == Reason.UNKNOWN_KEY
    assert provider.asked.count("/keys") == 2
    assert found.key("one").algorithms == ("RS256", "PS256")


def test_a_withdrawn_key_stops_counting_within_an_hour_even_if_the_provider_is_down(provider: OpenIdProvider) -> None:
    clock = Clock()
    found = metadata(provider, clock)
    found.key("one")
    clock.now += FRESH_SECONDS
    provider.answers["/keys"] = lambda: (500, {}, b"")
    assert reason_of(found, "one") == Reason.UNREACHABLE

    provider.answers.clear()
    provider.keys = {"two": rsa_key()}
    clock.now += PAUSE_SECONDS
    assert reason_of(found, "one") == Reason.UNKNOWN_KEY
    found.key("two")


def test_a_token_without_a_number_counts_only_where_there_is_one_key(provider: OpenIdProvider) -> None:
    found = metadata(provider, Clock())
    found.key("one")
    assert found.key(None).key.public_numbers() == rsa_key().public_key().public_numbers()
    provider.keys["two"] = ec_key()
    found = metadata(provider, Clock())
    found.key("two")
    assert reason_of(found, None) == Reason.UNKNOWN_KEY


def test_keys_that_may_not_sign_here_are_passed_over(provider: OpenIdProvider) -> None:
    short = public_jwk("short", rsa.generate_private_key(65537, 1024))
    other_curve = public_jwk("curve", ec.generate_private_key(ec.SECP384R1()))
    wrong: list[Any] = [
        {"kty": "oct", "k": "c2VjcmV0", "kid": "shared"},
        public_jwk("encrypts", rsa_key()) | {"use": "enc"},
        public_jwk("sha1", rsa_key()) | {"alg": "RS1"},
        {"kty": "RSA", "n": 5, "e": "AQAB", "kid": "broken"},
        {"kid": "empty"},
        "no key",
    ]
    listed = {"keys": [short, other_curve, *wrong, public_jwk("good", rsa_key())]}
    provider.answers["/keys"] = lambda: provider_json(listed)
    found = metadata(provider, Clock())

    assert found.key("good").algorithms == ("RS256", "PS256")
    for kid in ("shared", "encrypts", "broken", "empty", "short", "curve", "sha1"):
        assert reason_of(found, kid) == Reason.UNKNOWN_KEY, kid


def provider_json(body: Any) -> Any:

    return 200, {"Content-Type": "application/json"}, json.dumps(body).encode()


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({"issuer": "https://another.test"}, Reason.ISSUER),
        ({"jwks_uri": "http://keys.test/"}, Reason.UNREACHABLE),
        ({"token_endpoint": "http://127.0.0.1.evil.test/"}, Reason.UNREACHABLE),
        ({"authorization_endpoint": "javascript:alert(1)"}, Reason.UNREACHABLE),
        ({"token_endpoint": None}, Reason.UNREACHABLE),
        ({"token_endpoint_auth_methods_supported": ["private_key_jwt"]}, Reason.UNREACHABLE),
        ({"token_endpoint_auth_methods_supported": 7}, Reason.UNREACHABLE),
    ],
)
def test_what_the_provider_tells_of_itself_is_believed_only_over_https_and_in_its_own_name(
    provider: OpenIdProvider, told: dict[str, Any], reason: Reason
) -> None:
    own = dict.fromkeys(("authorization_endpoint", "token_endpoint", "jwks_uri"), f"{provider.issuer}/x")
    body = {"issuer": provider.issuer, **own, **told}
    provider.answers["/.well-known/openid-configuration"] = lambda: provider_json(body)

    assert reason_of(metadata(provider, Clock()), "one") == reason


def test_a_provider_that_drips_is_left_after_the_time_of_a_call(provider: OpenIdProvider) -> None:
    """Each byte comes in time; the whole would take fifteen seconds."""
    provider.drips = True

    assert reason_of(metadata(provider, Clock()), "one") == Reason.UNREACHABLE


def test_a_provider_that_is_down_is_a_reason_and_no_error() -> None:
    down = Provider("http://127.0.0.1:9/realm", "desk", "secret")

    assert reason_of(Metadata(down, Exchange(down, 0.5)), "one") == Reason.UNREACHABLE


def test_a_sign_in_on_its_way_is_good_for_ten_minutes() -> None:
    clock = Clock()
    pending = PendingSignIns(clock)
    early, late = pending.begin(""), pending.begin("")
    clock.now += GOOD_SECONDS - 1
    assert pending.take(pending.sealed(early), early.state) == early
    clock.now += 1
    with pytest.raises(SignInRefused):
        pending.take(pending.sealed(late), late.state)


@given(st.text(max_size=300) | st.binary(max_size=200).map(lambda octets: octets.hex()), st.text(max_size=60))
def test_whatever_a_browser_sends_as_the_cookie_is_refused_and_no_error(cookie: str, state: str) -> None:
    with pytest.raises(SignInRefused):
        PendingSignIns().take(cookie, state)


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_a_changed_cookie_is_refused(place: int, change: int) -> None:

    pending = PendingSignIns()
    begun = pending.begin("/console/people")
    octets = bytearray(base64.urlsafe_b64decode(pending.sealed(begun) + "=="))
    octets[place % len(octets)] ^= change

    with pytest.raises(SignInRefused):
        pending.take(base64.urlsafe_b64encode(octets).decode(), begun.state)


def stated(folder: Path, **changes: Any) -> Settings:
    file = folder / "oidc-client-secret"
    file.touch(mode=0o600)
    file.write_text("a secret\n")
    return Settings(data_dir=folder, **{"oidc_issuer": "https://id.test", "oidc_client_id": "desk", **changes})


def test_a_whole_configuration_is_read_and_none_means_passwords_only(tmp_path: Path) -> None:
    found = provider_of(stated(tmp_path, oidc_trusted_acr="a,b", oidc_trusted_amr="otp"))

    assert found == Provider(
        "https://id.test", "desk", "a secret", "preferred_username", ("a", "b"), frozenset({"otp"})
    )
    assert "a secret" not in repr(found)
    assert provider_of(Settings(data_dir=tmp_path)) is None


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"oidc_issuer": ""}, "TONGYUAN_OIDC_ISSUER"),
        ({"oidc_issuer": "", "oidc_client_id": "", "oidc_trusted_amr": "otp"}, "TONGYUAN_OIDC_ISSUER"),
        ({"oidc_client_id": ""}, "TONGYUAN_OIDC_CLIENT_ID"),
        ({"oidc_issuer": "http://id.test"}, "TONGYUAN_OIDC_ISSUER"),
        ({"oidc_client_secret_file": Path("/nowhere/secret")}, "TONGYUAN_OIDC_CLIENT_SECRET_FILE"),
    ],
)
def test_half_a_configuration_stops_the_start_with_a_sentence(
    tmp_path: Path, changes: dict[str, Any], named: str
) -> None:
    with pytest.raises(SettingsError, match=f"^{named}: "):
        provider_of(stated(tmp_path, **changes))


def test_a_secret_that_others_may_read_or_that_is_empty_stops_the_start(tmp_path: Path) -> None:
    settings = stated(tmp_path)
    file = tmp_path / "oidc-client-secret"
    file.chmod(0o644)
    with pytest.raises(SettingsError, match="chmod 600"):
        provider_of(settings)
    file.chmod(0o600)
    os.truncate(file, 0)
    with pytest.raises(SettingsError, match="is empty"):
        provider_of(settings)
