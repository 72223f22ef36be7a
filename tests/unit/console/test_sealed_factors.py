"""Secrets of second factors are sealed in the store; a key may change, and a lost one costs codes and nothing else."""

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pyotp
import pytest
from sqlmodel import col, select, update

from services.console.accounts.credentials import Credentials
from services.console.accounts.model import AccountRow
from services.console.accounts.second_factor import STEP_SECONDS, SecretSeals
from shared.errors import Unavailable
from shared.security.vault import Vault, is_sealed
from shared.tokens.person import SYSTEM, Person, StaffRole
from tests.harness.desk import GOOD_PASSWORD, TestDesk, desk

OPERATOR = StaffRole.OPERATOR


@pytest.fixture
def real(tmp_path: Path) -> Iterator[TestDesk]:
    """A desk of its own: its key changes, and is lost."""
    with desk(tmp_path, demo=False) as made:
        yield made


def enrolled(real: TestDesk, name: str) -> tuple[str, list[str]]:
    """Create a person with a second factor; return its secret and the recovery codes."""
    real.person(name, OPERATOR)
    credentials: Credentials = real.api.state.sign_ins.credentials
    person = Person(name, name, frozenset({OPERATOR}))
    secret = credentials.begin_second_factor(person)
    return secret, credentials.confirm_second_factor(person, pyotp.TOTP(secret).at(time.time() - STEP_SECONDS))


def stored(real: TestDesk, name: str) -> str:
    with real.db.read() as session:
        return session.exec(select(AccountRow.totp_secret).where(AccountRow.name == name)).one() or ""


def code_of(secret: str, later: int = 0) -> str:
    return pyotp.TOTP(secret).at(time.time() + later * STEP_SECONDS)


def with_code(real: TestDesk, name: str, code: str) -> httpx.Response:
    browser = real.browser()
    browser.post("/sign-in", data={"name": name, "password": GOOD_PASSWORD})
    answer: httpx.Response = browser.submit("/sign-in/code", code=code)
    return answer


def dies(_seals: SecretSeals) -> list[str]:
    raise Unavailable("the database does not answer")


def vault(real: TestDesk) -> Vault:
    assert real.db.vault is not None
    return real.db.vault


def test_a_secret_is_in_no_file_of_the_store(real: TestDesk) -> None:
    secret, _ = enrolled(real, "an")

    assert is_sealed(stored(real, "an"))
    files = Path(real.db.engine.url.database or "").parent.glob("console.db*")
    assert not any(secret.encode() in file.read_bytes() for file in files)
    assert with_code(real, "an", code_of(secret)).status_code == httpx.codes.SEE_OTHER


def test_a_sealed_secret_of_one_account_is_worth_nothing_in_the_row_of_another(real: TestDesk) -> None:
    secret, _ = enrolled(real, "an")
    enrolled(real, "bo")
    with real.db.write() as session:
        session.exec(update(AccountRow).where(col(AccountRow.name) == "bo").values(totp_secret=stored(real, "an")))

    assert with_code(real, "bo", code_of(secret)).status_code == httpx.codes.UNPROCESSABLE_ENTITY


def test_secrets_of_a_version_that_did_not_seal_work_and_are_sealed_at_the_start(real: TestDesk) -> None:
    secret, _ = enrolled(real, "an")
    with real.db.write() as session:
        session.exec(update(AccountRow).where(col(AccountRow.name) == "an").values(totp_secret=secret))
    assert with_code(real, "an", code_of(secret)).status_code == httpx.codes.SEE_OTHER

    real.api.state.rounds["second-factors"].work()
    assert is_sealed(stored(real, "an"))
    file = Path(real.db.engine.url.database or "")
    assert not any(secret.encode() in one.read_bytes() for one in file.parent.glob("console.db*"))
    assert with_code(real, "an", code_of(secret, 1)).status_code == httpx.codes.SEE_OTHER


def test_a_new_key_signs_nobody_out_and_the_old_one_is_kept_beside(real: TestDesk) -> None:
    secret, _ = enrolled(real, "an")
    (before,) = vault(real).ring()

    done = SecretSeals(real.db).change_key(SYSTEM)
    (after,) = vault(real).ring()
    assert (done["key"], done["lost"], before.key_id != after.key_id) == (after.key_id, [], True)
    retired = Vault(vault(real).path.with_name("staff-keys.retired"))
    assert [key.key_id for key in retired.ring()] == [before.key_id]
    assert stored(real, "an").startswith(after.prefix)
    assert with_code(real, "an", code_of(secret)).status_code == httpx.codes.SEE_OTHER


def test_a_change_of_the_key_that_died_is_carried_on(real: TestDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    secret, _ = enrolled(real, "an")
    with monkeypatch.context() as patched:
        patched.setattr(SecretSeals, "reseal", dies)
        with pytest.raises(Unavailable):
            SecretSeals(real.db).change_key(SYSTEM)
    newest, _older = vault(real).ring()
    assert with_code(real, "an", code_of(secret)).status_code == httpx.codes.SEE_OTHER

    assert SecretSeals(real.db).change_key(SYSTEM) == {"key": newest.key_id, "lost": []}
    assert stored(real, "an").startswith(newest.prefix)


def test_a_lost_key_is_said_so_recovery_codes_still_work_and_a_reset_lets_people_enrol_again(real: TestDesk) -> None:
    secret, codes = enrolled(real, "an")
    path = vault(real).path
    path.unlink()
    missing = with_code(real, "an", code_of(secret))
    assert (missing.status_code, "密钥丢失" in missing.text) == (httpx.codes.UNPROCESSABLE_ENTITY, True)

    assert with_code(real, "an", codes[0]).status_code == httpx.codes.SEE_OTHER
    real.people.reset_second_factor(SYSTEM, "an")
    assert stored(real, "an") == ""
