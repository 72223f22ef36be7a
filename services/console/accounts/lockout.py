"""Slows down guessing of passwords and codes, without letting anybody lock a colleague out.

Three counters, each with a growing delay: the pair of account and address, the address, the account. The third slows
down guessing from many addresses; where an account has signed in before it does not count, so whoever guesses delays
strangers and not the person at the usual desk. An attempt counts as failed before it is looked at: a hundred at once
are a hundred.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil

from sqlmodel import Session, col, delete

from contracts.base import format_time
from services.console.accounts.model import SignInFailureRow
from shared.database.engine import Database
from shared.errors import Conflict, TooManyRequests

FORGOTTEN = timedelta(hours=1)
"""A counter without failures for so long begins again."""

KNOWN_FOR = timedelta(days=90)
"""So long an account's usual address is known."""

MOST_DOUBLINGS = 20
DELAYED = "登录失败次数太多，请等 {seconds} 秒再试"


@dataclass(frozen=True)
class Pace:
    """From the failure after `free` on, the next attempt waits `first` seconds, doubled each time up to `longest`."""

    free: int
    first: int
    longest: int

    def seconds(self, failures: int) -> int:
        """Return how long to wait after so many failures."""
        if failures < self.free:
            return 0
        doublings = min(failures - self.free, MOST_DOUBLINGS)
        return min(self.first << doublings, self.longest)


PAIR, ADDRESS, ACCOUNT = Pace(5, 15, 900), Pace(30, 5, 300), Pace(20, 2, 60)


class Lockout:
    """The counters in the desk's store."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def attempt(self, account: str, address: str) -> None:
        """Count an attempt as failed. Raises `TooManyRequests` with the seconds to wait, and then counts nothing."""
        now = datetime.now(UTC)
        try:
            with self._db.write() as session:
                self._count(session, account, address, now)
        except Conflict:
            raise TooManyRequests(DELAYED.format(seconds=1), 1) from None

    def succeeded(self, account: str, address: str) -> None:
        """Take back the count of an attempt that was right, and remember where the account has signed in."""
        with self._db.write() as session:
            pair, whole, place = _subjects(account, address)
            row = session.get(SignInFailureRow, pair)
            if row is not None:
                row.failures, row.failed_at = 0, format_time(datetime.now(UTC))
                session.add(row)
            for subject in (whole, place):
                other = session.get(SignInFailureRow, subject, with_for_update=True)
                if other is not None:
                    other.failures = max(0, other.failures - 1)
                    session.add(other)

    def _count(self, session: Session, account: str, address: str, now: datetime) -> None:
        pair, whole, place = _subjects(account, address)
        rows = {
            subject: session.get(SignInFailureRow, subject, with_for_update=True) for subject in (pair, whole, place)
        }
        paces = {pair: PAIR, place: ADDRESS, whole: ACCOUNT}
        known = rows[pair]
        if known is not None and known.failures == 0:
            paces.pop(whole)
        wait = max(_wait(rows[subject], pace, now) for subject, pace in paces.items())
        if wait > 0:
            raise TooManyRequests(DELAYED.format(seconds=ceil(wait)), ceil(wait))
        for subject in paces:
            session.add(_counted(rows[subject], subject, now))
        session.exec(delete(SignInFailureRow).where(col(SignInFailureRow.failed_at) < format_time(now - KNOWN_FOR)))


def _subjects(account: str, address: str) -> tuple[str, str, str]:
    pair, whole, place = f"pair\n{account}\n{address}", f"account\n{account}", f"address\n{address}"
    return _name(pair), _name(whole), _name(place)


def _name(text: str) -> str:
    """Return the subject's name: hashed, because what people type as an account may be their password."""
    return hashlib.sha256(text.encode()).hexdigest()


def _wait(row: SignInFailureRow | None, pace: Pace, now: datetime) -> float:
    if row is None:
        return 0
    age = now - datetime.fromisoformat(row.failed_at)
    return 0 if age >= FORGOTTEN else pace.seconds(row.failures) - age.total_seconds()


def _counted(row: SignInFailureRow | None, subject: str, now: datetime) -> SignInFailureRow:
    at = format_time(now)
    if row is None:
        return SignInFailureRow(subject=subject, failures=1, failed_at=at)
    is_old = now - datetime.fromisoformat(row.failed_at) >= FORGOTTEN
    row.failures, row.failed_at = (1 if is_old else row.failures + 1), at
    return row
