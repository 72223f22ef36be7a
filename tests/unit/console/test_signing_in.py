"""Signing in: steps, the second factor, what guessing costs, and what an attacker learns."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import select

from contracts.base import format_time
from services.console.accounts import passwords
from services.console.accounts.credentials import Credentials
from services.console.accounts.lockout import ACCOUNT, PAIR, Lockout, Pace
from services.console.accounts.model import AccountRow, SessionRow, SignInFailureRow
from services.console.accounts.second_factor import STEP_SECONDS, new_recovery_codes, recovery_hash, step_of
from services.console.accounts.sessions import IDLE, LONGEST, hash_of
from shared.errors import Invalid, TooManyRequests
from shared.tokens.person import SYSTEM, Person, StaffRole
from tests.harness.desk import GOOD_PASSWORD, Browser, TestDesk, desk


def signed_in(answer: httpx.Response) -> str:
    assert answer.status_code == httpx.codes.SEE_OTHER, answer.text
    return answer.headers["location"]


def begin(real: TestDesk, name: str, password: str = GOOD_PASSWORD, **more: str) -> tuple[Browser, httpx.Response]:
    browser = real.browser()
    return browser, browser.post("/sign-in", data={"name": name, "password": password, **more})


def enrolled(real: TestDesk, name: str, *roles: StaffRole) -> tuple[str, list[str]]:
    """Create a person with a second factor; return its secret and the recovery codes."""
    real.person(name, *roles)
    credentials: Credentials = real.api.state.sign_ins.credentials
    person = Person(name, name, frozenset(roles))
    secret = credentials.begin_second_factor(person)
    codes = credentials.confirm_second_factor(person, pyotp.TOTP(secret).at(time.time() - STEP_SECONDS))
    return secret, codes


def test_a_new_account_sets_its_own_password_first_and_the_one_time_one_is_spent(real: TestDesk) -> None:
    one_time = real.people.create(SYSTEM, Person("xin", "新来的", frozenset({StaffRole.EDITOR})))

    browser, answer = begin(real, "xin", one_time, next="/console/people")
    assert signed_in(answer) == "/console/sign-in/password?next=%2Fconsole%2Fpeople"
    assert browser.get("/v1/me").status_code == httpx.codes.UNAUTHORIZED
    before = dict(browser.cookies)
    answer = browser.submit("/sign-in/password", password=GOOD_PASSWORD, again=GOOD_PASSWORD, next="/console/people")
    assert signed_in(answer) == "/console/people"
    assert dict(browser.cookies) != before
    assert browser.get("/v1/me").json()["name"] == "xin"
    assert begin(real, "xin", one_time)[1].status_code == httpx.codes.UNPROCESSABLE_ENTITY


def test_a_one_time_password_is_good_for_a_week(real: TestDesk) -> None:
    one_time = real.people.create(SYSTEM, Person("wan", "晚来的", frozenset({StaffRole.EDITOR})))
    with real.db.write() as session:
        row = session.get(AccountRow, "wan")
        row.password_changed_at = format_time(datetime.now(UTC) - timedelta(days=7, seconds=1))
        session.add(row)

    answer = begin(real, "wan", one_time)[1]
    assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    assert "过期" in answer.text


def test_who_can_release_must_set_up_a_second_factor_and_signs_in_with_it_from_then_on(real: TestDesk) -> None:
    real.person("fabu2", StaffRole.RELEASER)
    browser, answer = begin(real, "fabu2")
    assert signed_in(answer) == "/console/sign-in/enrolment"
    page = browser.get("/sign-in/enrolment").text
    secret = page.partition('<code class="secret">')[2].partition("<")[0]
    assert "<svg" in page

    wrong = browser.submit("/sign-in/enrolment", code="000000")
    assert wrong.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    assert secret in wrong.text
    code = pyotp.TOTP(secret).now()
    answer = browser.submit("/sign-in/enrolment", code=code)
    assert answer.status_code == httpx.codes.OK
    assert answer.text.count("<code>") == 10
    assert browser.get("/v1/me").is_success

    second, answer = begin(real, "fabu2")
    assert signed_in(answer) == "/console/sign-in/code"
    assert second.get("/v1/me").status_code == httpx.codes.UNAUTHORIZED
    assert second.submit("/sign-in/code", code=code).status_code == httpx.codes.UNPROCESSABLE_ENTITY
    recovery = answer_codes(browser)
    assert signed_in(second.submit("/sign-in/code", code=recovery)) == "/console/"
    assert second.get("/v1/me").is_success


def answer_codes(browser: Browser) -> str:
    made = browser.call("POST", "/v1/me/second-factor/recovery-codes", {"current": GOOD_PASSWORD})
    code: str = made.json()["recovery_codes"][3]
    return code


def test_a_recovery_code_works_once_however_it_is_typed(real: TestDesk) -> None:
    _, codes = enrolled(real, "huifu", StaffRole.RELEASER)
    typed = codes[0].upper().replace("-", " ")

    browser, _ = begin(real, "huifu")
    assert signed_in(browser.submit("/sign-in/code", code=typed)) == "/console/"
    again, _ = begin(real, "huifu")
    assert again.submit("/sign-in/code", code=codes[0]).status_code == httpx.codes.UNPROCESSABLE_ENTITY


def test_another_persons_recovery_code_opens_nothing(real: TestDesk) -> None:
    enrolled(real, "jia", StaffRole.RELEASER)
    _, codes = enrolled(real, "yi", StaffRole.RELEASER)

    browser, _ = begin(real, "jia")
    assert browser.submit("/sign-in/code", code=codes[0]).status_code == httpx.codes.UNPROCESSABLE_ENTITY


def test_one_code_at_two_browsers_at_once_opens_one(real: TestDesk) -> None:
    secret, _ = enrolled(real, "liang", StaffRole.RELEASER)
    code = pyotp.TOTP(secret).now()
    browsers = [begin(real, "liang")[0] for _ in range(4)]

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda one: one.submit("/sign-in/code", code=code).status_code, browsers))

    assert found.count(httpx.codes.SEE_OTHER) == 1


@given(st.integers(0, 2**40), st.integers(-3, 3), st.integers(-3, 3))
def test_a_code_is_good_for_a_step_around_now_and_never_at_or_before_the_last_one_used(
    step: int, age: int, used: int
) -> None:
    step += 10
    code = pyotp.TOTP("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP").generate_otp(step + age)
    found = step_of(code, "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", step + used, now=step * STEP_SECONDS + 7.0)

    assert found == (step + age if abs(age) <= 1 and age > used else None)


def test_a_role_that_is_given_later_asks_for_the_second_factor_at_the_next_request(real: TestDesk) -> None:
    browser, _ = begin(real, real.person("houlai", StaffRole.EDITOR))
    assert browser.get("/v1/me").is_success
    person = Person("houlai", "后来", frozenset({StaffRole.EDITOR, StaffRole.RELEASER}))
    real.person("guan", StaffRole.ADMINISTRATOR)
    real.people.change(SYSTEM, person)

    assert browser.get("/").headers["location"] == "/console/sign-in/enrolment"
    assert browser.get("/v1/me").status_code == httpx.codes.UNAUTHORIZED


def test_unknown_locked_and_wrong_are_told_in_the_same_words_and_bytes(real: TestDesk) -> None:
    real.person("cunzai", StaffRole.EDITOR)
    real.people.lock(SYSTEM, real.person("suozhu", StaffRole.EDITOR))
    answers = {
        begin(real, name, password)[1].text.replace(name, "…")
        for name, password in (
            ("cunzai", "not this one at all"),
            ("suozhu", GOOD_PASSWORD),
            ("meiyou", GOOD_PASSWORD),
        )
    }

    assert len(answers) == 1


def test_each_attempt_costs_one_hash_whether_the_account_exists_or_not(
    real: TestDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Equal work instead of a clock: one verification of the same parameters."""
    verified: list[str] = []

    class Counting:
        def verify(self, known: str, password: str) -> bool:
            verified.append(known.rpartition("$")[0].rpartition("$")[0])
            return passwords.PasswordHasher().verify(known, password)

        def check_needs_rehash(self, _known: str) -> bool:
            return False

    real.person("you", StaffRole.EDITOR)
    nobody = passwords._of_nobody()  # noqa: SLF001  # what is compared for nobody
    monkeypatch.setattr(passwords, "_hasher", Counting())
    for name in ("you", "wu"):
        begin(real, name, "not this one at all")

    assert len(verified) == 2
    assert verified[0] == verified[1] == nobody.rpartition("$")[0].rpartition("$")[0]


def test_guessing_is_slowed_down_and_the_answer_says_how_long(real: TestDesk) -> None:
    real.person("mubiao", StaffRole.EDITOR)
    statuses = [begin(real, "mubiao", "not this one at all")[1].status_code for _ in range(PAIR.free + 1)]
    assert statuses == [httpx.codes.UNPROCESSABLE_ENTITY] * PAIR.free + [httpx.codes.TOO_MANY_REQUESTS]
    answer = begin(real, "mubiao")[1]
    assert answer.status_code == httpx.codes.TOO_MANY_REQUESTS
    assert "秒" in answer.text
    assert "mubiao" in answer.text


def test_a_hundred_guesses_at_once_are_counted_as_a_hundred(tmp_path: Path) -> None:
    with desk(tmp_path) as place:
        lockout = Lockout(place.db)

        def attempt(_number: int) -> bool:
            try:
                lockout.attempt("mubiao", "192.0.2.1")
            except TooManyRequests:
                return False
            return True

        with ThreadPoolExecutor(8) as pool:
            assert sum(pool.map(attempt, range(100))) == PAIR.free


def test_whoever_guesses_from_many_addresses_delays_strangers_and_not_the_usual_desk(tmp_path: Path) -> None:
    with desk(tmp_path) as place:
        lockout = Lockout(place.db)
        lockout.attempt("mubiao", "10.0.0.7")
        lockout.succeeded("mubiao", "10.0.0.7")
        for number in range(ACCOUNT.free):
            lockout.attempt("mubiao", f"192.0.2.{number}")

        with pytest.raises(TooManyRequests) as refused:
            lockout.attempt("mubiao", "198.51.100.1")
        assert refused.value.retry_after <= ACCOUNT.longest
        lockout.attempt("mubiao", "10.0.0.7")
        lockout.attempt("bieren", "198.51.100.1")


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_a_delay_never_shrinks_with_failures_and_has_an_end(one: int, two: int) -> None:
    pace = Pace(5, 15, 900)
    few, many = sorted((one, two))

    assert 0 <= pace.seconds(few) <= pace.seconds(many) <= 900


def test_what_was_typed_as_an_account_is_not_stored_in_clear(tmp_path: Path) -> None:
    with desk(tmp_path) as place:
        place.browser().post("/sign-in", data={"name": "my-secret-typed-here", "password": "x"})
        with place.db.read() as session:
            rows = session.exec(select(SignInFailureRow)).all()
        assert len(rows) == 3
        assert b"my-secret-typed-here" not in (tmp_path / "console.db").read_bytes()


@pytest.mark.parametrize(
    "following",
    [
        "https://evil.test/",
        "//evil.test/console/",
        "/console/../evil",
        "/\\evil.test",
        "javascript:alert(1)",
        "/console/%0d%0aSet-Cookie: x",
        "/consolevil",
        "/console/\n",
    ],
)
def test_signing_in_leads_to_no_other_site(real: TestDesk, following: str) -> None:
    name = "zou"
    if name not in {row.name for row in real.people.people()}:
        real.person(name, StaffRole.EDITOR)

    answer = begin(real, name, next=following)[1]
    there = httpx.URL("https://desk.test/console/sign-in").join(signed_in(answer))
    assert there.host == "desk.test"
    assert "\n" not in answer.headers["location"]
    assert "set-cookie: x" not in answer.text.lower()


def test_a_cookie_from_before_signing_in_is_worth_nothing_afterwards(real: TestDesk) -> None:
    """Session fixation: what an attacker has set, or has seen before a step, opens nothing after it."""
    real.person("guding", StaffRole.EDITOR)
    browser = real.browser()
    browser.cookies.set("__Host-console", "chosen-by-an-attacker")
    browser.post("/sign-in", data={"name": "guding", "password": GOOD_PASSWORD})
    thief = real.browser()
    thief.cookies.set("__Host-console", "chosen-by-an-attacker")

    assert thief.get("/v1/me").status_code == httpx.codes.UNAUTHORIZED


@pytest.mark.parametrize(("field", "age"), [("seen_at", IDLE), ("created_at", LONGEST)])
def test_a_session_ends_when_it_is_idle_and_when_it_is_old(real: TestDesk, field: str, age: timedelta) -> None:
    name = f"lao.{field.replace('_', '')}"
    browser = real.session(real.person(name, StaffRole.EDITOR))
    assert browser.get("/v1/me").is_success
    with real.db.write() as session:
        row = session.get(SessionRow, hash_of(browser.cookies["__Host-console"]))
        past = datetime.now(UTC) - age - timedelta(seconds=1)
        if field == "seen_at":
            row.seen_at = format_time(past)
        else:
            row.created_at, row.expires_at = format_time(past), format_time(past + LONGEST)
        session.add(row)

    assert browser.get("/v1/me").status_code == httpx.codes.UNAUTHORIZED


def test_no_secret_is_stored_in_clear_or_logged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with desk(tmp_path) as place:
        browser = place.browser("bianji")
        cookie = browser.cookies["__Host-console"]
        body = {"current": "yunxi-demo-2026", "title": "测试", "roles": ["editor"], "days": 1}
        token = browser.call("POST", "/v1/me/tokens", body).json()["token"]
        place.browser().get("/v1/me", headers={"authorization": f"Bearer {token}x"})
        place.browser().post("/sign-in", data={"name": "bianji", "password": "wrong-but-secret"})
        stored = (tmp_path / "console.db").read_bytes() + (tmp_path / "console.db-wal").read_bytes()
    said = capsys.readouterr()
    for secret in (cookie, token, "yunxi-demo-2026", "wrong-but-secret"):
        assert secret.encode() not in stored
        assert secret not in said.out + said.err


def test_the_hash_is_renewed_when_its_parameters_are_old(tmp_path: Path) -> None:
    with desk(tmp_path) as place:
        weak = passwords.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("yunxi-demo-2026")
        with place.db.write() as session:
            row = session.get(AccountRow, "bianji")
            row.password_hash = weak
            session.add(row)
        place.browser("bianji")
        renewed = place.people.account("bianji").password_hash
        assert renewed != weak
        assert "m=19456,t=2,p=1" in renewed
        place.browser("bianji")


def test_recovery_codes_differ_and_their_hash_ignores_how_they_are_grouped() -> None:
    codes = new_recovery_codes()
    assert len(set(codes)) == 10
    assert recovery_hash(codes[0]) == recovery_hash(codes[0].replace("-", "").upper())


def test_a_longer_password_than_is_hashed_is_wrong_and_not_shortened() -> None:
    known = passwords.hashed("x" * passwords.LONGEST)
    assert passwords.is_right("x" * passwords.LONGEST, known)
    assert not passwords.is_right("x" * (passwords.LONGEST + 1), known)


def test_a_wrong_current_password_is_refused_and_counted(real: TestDesk) -> None:
    real.person("dangqian", StaffRole.EDITOR)
    credentials: Credentials = real.api.state.sign_ins.credentials
    person = Person("dangqian", "当前", frozenset({StaffRole.EDITOR}), address="192.0.2.9")
    for _ in range(PAIR.free):
        with pytest.raises(Invalid):
            credentials.require_password(person, "not this one at all")
    with pytest.raises(TooManyRequests):
        credentials.require_password(person, GOOD_PASSWORD)
