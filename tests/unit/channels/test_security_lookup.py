"""Guessing cases: every wrong pair takes and says the same, attempts are few, and concurrency gains nothing."""

import hashlib
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from typing import Any

import pytest
from sqlalchemy import event
from structlog.testing import capture_logs

from services.channels.api import case_lookup
from services.channels.api.case_lookup import CONCURRENT_LOOKUPS, WAITING_LOOKUPS, Lookup, LookupRequest
from shared.config import Settings
from shared.errors import NotFound, TooManyRequests
from shared.security.case_ref import new_query_code
from tests.harness.pipeline import PROJECT_NO, QUERY_CODE, pipeline, progress

MANY = "1000000/second"


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with pipeline(tmp_path_factory.mktemp("lookup"), channels=["web"]) as made:
        made.release_case(progress())
        made.flow()
        yield made


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Record the numbers that are hashed, in place of hashing: the test counts them."""
    seen: list[str] = []

    def counting(project_no: str, query_code: str) -> str:
        seen.append(project_no)
        return "a" * 52

    monkeypatch.setattr(case_lookup, "case_ref", counting)
    return seen


def made(county: Any, **limits: str) -> Lookup:
    return Lookup(county.dbs["web"], "web", Settings(**{"lookup_limit": MANY, **limits}))


def outcome(looking: Lookup, number: str, code: str, address: str = "192.0.2.1") -> str:
    try:
        looking.find(LookupRequest(project_no=number, query_code=code), address)
    except NotFound as error:
        return f"404 {error}"
    except TooManyRequests as error:
        return f"429 {error} {error.retry_after}"
    return "200"


def test_a_wrong_number_and_a_wrong_code_cost_one_hash_and_one_reading_each(county, hashed):
    looking = made(county)
    statements: list[str] = []
    event.listen(county.dbs["web"].engine, "before_cursor_execute", lambda *told: statements.append(told[2]))
    costs = []
    for number, code in ((PROJECT_NO, "000000000000"), ("37-2020-9", QUERY_CODE), ("37-2020-8", "000000000000")):
        del hashed[:], statements[:]
        assert outcome(looking, number, code).startswith("404")
        costs.append((len(hashed), tuple(statements)))
    assert len(set(costs)) == 1
    assert costs[0][0] == 1
    assert len(costs[0][1]) >= 1


def test_a_number_that_exists_is_closed_like_one_that_does_not(county, hashed):
    looking = made(county)
    histories = [
        [outcome(looking, number, "000000000000") for _ in range(8)] for number in (PROJECT_NO, "37-2020-9", "X" * 50)
    ]
    assert histories[0] == histories[1] == histories[2]
    assert [answer[:3] for answer in histories[0]] == ["404"] * 5 + ["429"] * 3
    assert Counter(hashed) == {PROJECT_NO: 5, "37-2020-9": 5, "X" * 50: 5}, "what is closed costs nothing"


def test_a_closed_case_is_closed_for_the_right_code_and_for_everybody(county, hashed):
    looking = made(county)
    for n in range(5):
        outcome(looking, PROJECT_NO, "000000000000", f"192.0.2.{n}")
    assert outcome(looking, PROJECT_NO, QUERY_CODE, "198.51.100.1").startswith("429")


def test_ten_thousand_guesses_at_one_case_find_nothing_and_are_shut_out(county, hashed):
    looking = made(county)
    guesses = ((new_query_code(), f"10.0.{n // 250}.{n % 250}") for n in range(10_000))
    answers = Counter(outcome(looking, PROJECT_NO, code, address)[:3] for code, address in guesses)
    assert answers == {"404": 5, "429": 9_995}
    assert len(hashed) == 5


def test_guesses_that_come_at_once_count_like_those_that_come_in_turn(county, hashed, monkeypatch):
    looking = made(county)
    together = threading.Barrier(CONCURRENT_LOOKUPS + WAITING_LOOKUPS)

    def guess(n: int) -> str:
        together.wait(30)
        return outcome(looking, PROJECT_NO, "000000000000", f"192.0.2.{n}")[:3]

    with ThreadPoolExecutor(CONCURRENT_LOOKUPS + WAITING_LOOKUPS) as pool:
        answers = Counter(pool.map(guess, range(CONCURRENT_LOOKUPS + WAITING_LOOKUPS)))
    assert answers["404"] == 5
    assert len(hashed) == 5


def test_no_more_than_four_look_ups_work_at_once(county, monkeypatch):
    working, most, let_go, full = [0], [0], threading.Event(), threading.Event()
    lock = threading.Lock()

    def slow(*_: str) -> str:
        with lock:
            working[0] += 1
            most[0] = max(most[0], working[0])
            if working[0] == CONCURRENT_LOOKUPS:
                full.set()
        let_go.wait(60)
        with lock:
            working[0] -= 1
        return "a" * 52

    monkeypatch.setattr(case_lookup, "case_ref", slow)
    looking = made(county)
    # Each has its own number and its own lock, so that only the bound holds them back.
    numbers = numbers_of_different_turns(CONCURRENT_LOOKUPS + WAITING_LOOKUPS + 1)
    with ThreadPoolExecutor(len(numbers)) as pool:
        asked = [pool.submit(outcome, looking, number, "000000000000") for number in numbers]
        assert full.wait(60)
        turned_away = next(answer.result() for answer in iter_done(asked))
        let_go.set()
        answers = Counter(answer.result()[:3] for answer in asked)
    assert most[0] == CONCURRENT_LOOKUPS
    assert turned_away.startswith("429")
    assert turned_away.endswith(" 5")
    assert answers == {"404": CONCURRENT_LOOKUPS + WAITING_LOOKUPS, "429": 1}


def numbers_of_different_turns(count: int) -> list[str]:
    found: dict[int, str] = {}
    for n in range(100_000):
        number = f"37-2020-{n}"
        found.setdefault(hashlib.sha256(number.encode()).digest()[0] % case_lookup.LOCKS, number)
        if len(found) == count:
            break
    return list(found.values())


def iter_done(asked: list[Any]) -> Iterator[Any]:
    yield from wait(asked, timeout=60, return_when=FIRST_COMPLETED).done


@pytest.mark.parametrize(
    ("addresses", "tries"),
    [
        (["2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:0DB8:1:2::7", "2001:db8:1:2::1%eth0"], 2),
        (["192.0.2.1", "::ffff:192.0.2.1"], 2),
        (["2001:db8:1:2::1", "2001:db8:1:3::1"], 4),
        (["unknown", "unknown"], 2),
    ],
)
def test_one_subscriber_is_one_reader_however_many_addresses_it_has(county, hashed, addresses, tries):
    looking = made(county, lookup_limit="2/hour")
    answers = [outcome(looking, f"37-2020-{n}", "000000000000", address) for n in range(3) for address in addresses]
    assert sum(answer.startswith("404") for answer in answers) == tries


def test_who_is_shut_out_is_counted_and_logged_without_the_case(county, hashed):
    looking = made(county)
    with capture_logs() as lines:
        for _ in range(20):
            outcome(looking, PROJECT_NO, "000000000000", "203.0.113.77")
    assert [(line["event"], line["by"]) for line in lines] == [("look-ups limited", "case")]
    assert PROJECT_NO not in str(lines)
    assert "203.0.113.77" not in str(lines)
