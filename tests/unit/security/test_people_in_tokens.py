"""People in tokens: only a caller that may act for people is believed, and only in a form that is known."""

import time
from dataclasses import replace

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.errors import Forbidden
from shared.tokens.checking import LONGEST_TOKEN, Callers, Permission
from shared.tokens.keys import public_keys
from shared.tokens.minting import Minter
from shared.tokens.person import MOST_DEPARTMENTS, Person, StaffRole
from shared.tokens.rights import Right
from tests.harness.callers import public_digits

KEY = Ed25519PrivateKey.generate()
WRITE = Permission(frozenset({Right.WRITE}))
PERMISSIONS = {"console": replace(WRITE, for_people=True), "web": WRITE}
CATALOG = Callers("catalog", public_keys(f"console+{public_digits(KEY)},web+{public_digits(KEY)}"), PERMISSIONS)
WU = Person("wu.min", "吴敏", frozenset({StaffRole.EDITOR}), frozenset({"11331099MB0000001X"}), "10.0.0.7")


def claiming(person: object) -> str:
    now = int(time.time())
    claims = {"iss": "console", "aud": "catalog", "iat": now, "exp": now + 60, "person": person}
    return jwt.encode(claims, KEY, algorithm="EdDSA", headers={"kid": "console"})


def test_the_desk_names_the_person_for_whom_it_acts() -> None:
    assert CATALOG.caller(Minter("console", KEY, "catalog").token_for(WU)).person == WU


def test_another_caller_may_not_act_for_people() -> None:
    with pytest.raises(Forbidden, match="web may not act for people"):
        CATALOG.caller(Minter("web", KEY, "catalog").token_for(WU))


def test_a_token_without_a_person_is_the_desk_itself() -> None:
    assert CATALOG.caller(Minter("console", KEY, "catalog").token()).person is None


@pytest.mark.parametrize(
    "change",
    [
        {"name": "吴敏"},
        {"name": ""},
        {"roles": ["king"]},
        {"roles": 7},
        {"departments": [7]},
        {"departments": ["1"] * 99 + [str(n) for n in range(99)]},
        {"display_name": ""},
        {"display_name": "吴" * 41},
        {"address": "1" * 65},
    ],
)
def test_a_person_in_another_form_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(Forbidden, match="in a form that this version does not know"):
        CATALOG.caller(claiming({**WU.claim(), **change}))


@pytest.mark.parametrize("claim", [None, [], "wu.min", {}])
def test_what_is_no_person_is_refused(claim: object) -> None:
    with pytest.raises(Forbidden, match="in a form that this version does not know"):
        CATALOG.caller(claiming(claim))


def test_the_largest_person_fits_into_a_token() -> None:
    units = frozenset(f"11331099MB{number:07d}X" for number in range(MOST_DEPARTMENTS))
    largest = Person("w" * 32, "\U00020000" * 40, frozenset(StaffRole), units, "f" * 64)
    token = Minter("console", KEY, "catalog").token_for(largest)
    assert len(token) <= LONGEST_TOKEN
    assert CATALOG.caller(token).person == largest
