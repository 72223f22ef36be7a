"""Tables of applications in addition to the outbox.

The columns `personal`, a fact's `document` and a request's `content` are sealed (`sealing`) and never leave the
service.
"""

from datetime import date
from typing import Any

from sqlalchemy import Column, Index, MetaData, Text
from sqlmodel import Field, SQLModel

from services.applications.lifecycle.definitions import LegalLimits
from services.applications.lifecycle.working_days import TimeUnit

SOURCE = "applications"
ONLY = 1


class ApplicationsModel(SQLModel):
    """Base of the tables that only applications has.

    Rows have no representation, since logs and tracebacks print rows.
    """

    metadata = MetaData()

    def __repr_args__(self) -> Any:
        return []


class CaseRow(ApplicationsModel, table=True):
    """One case. Without `case_ref` only its number is known: facts arrived before the case was opened.

    `task_type`, `promise_day`, `promise_type` are the item's rules when the case was opened. `version`, `fingerprint`
    (of the body without salt) and `withdrawn` describe what was released under the current `case_ref`. `state`,
    `overdue`, `active` (time or a calendar can still change it) and `generation` (of the calendar) follow from the
    facts; they are stored for lists only.
    """

    __tablename__ = "application"
    __table_args__ = (Index("ix_application_active", "active", "generation"), Index("ix_application_state", "state"))

    project_no: str = Field(primary_key=True, max_length=50)
    case_ref: str | None = Field(default=None, max_length=52, unique=True)
    item_code: str | None = Field(default=None, max_length=33)
    task_type: str = Field(default="", max_length=2)
    promise_day: int | None = None
    promise_type: str = Field(default=TimeUnit.WORKING, max_length=1)
    personal: str = Field(sa_column=Column(Text, nullable=False))
    revision: int = 0
    version: int = 0
    fingerprint: str | None = Field(default=None, max_length=64)
    withdrawn: bool = False
    erased: bool = False
    state: str | None = Field(default=None, max_length=20)
    overdue: bool = False
    active: bool = False
    generation: int = 0

    @property
    def is_open(self) -> bool:
        """Whether the case is opened: it has its item and its public name."""
        return self.case_ref is not None

    @property
    def key(self) -> str:
        """Ledger key."""
        return f"application:{self.case_ref}"

    @property
    def rules(self) -> LegalLimits:
        """The legal limits of this case."""
        return LegalLimits(self.task_type, self.promise_day, TimeUnit(self.promise_type))


class FactRow(ApplicationsModel, table=True):
    """One reported fact; `document` is a sealed `facts.Fact`.

    It is never changed, and erased only as the law requires.
    """

    __tablename__ = "fact"

    project_no: str = Field(primary_key=True, max_length=50)
    fact_id: str = Field(primary_key=True, max_length=120)
    event: str = Field(max_length=32)
    occurred_at: str = Field(max_length=27)
    received_at: str = Field(max_length=27)
    document: str = Field(sa_column=Column(Text, nullable=False))


class TimerRow(ApplicationsModel, table=True):
    """What falls due after `day`; `fired` once it was handled."""

    __tablename__ = "timer"
    __table_args__ = (Index("ix_timer_due", "fired", "day"),)

    project_no: str = Field(primary_key=True, max_length=50)
    kind: str = Field(primary_key=True, max_length=20)
    day: date
    fired: bool = False


class CalendarRow(ApplicationsModel, table=True):
    """The holiday notice of a year."""

    __tablename__ = "calendar"

    year: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    document: str = Field(sa_column=Column(Text, nullable=False))


class CalendarMark(ApplicationsModel, table=True):
    """One row whose number grows with every changed notice; cases of an older generation must be recomputed."""

    __tablename__ = "calendar_mark"

    id: int = Field(default=ONLY, primary_key=True)
    generation: int = 0


class SerialRow(ApplicationsModel, table=True):
    """The last serial number assigned to an implementation on a day."""

    __tablename__ = "serial"

    code31: str = Field(primary_key=True, max_length=31)
    day: date = Field(primary_key=True)
    value: int


class RequestRow(ApplicationsModel, table=True):
    """A request to open a case that was carried out, so that its repetition opens no second one.

    `request` is a keyed hash of its identity; `content` is the digest of its content, sealed: with a plain digest, a
    reader of the database could try out names and numbers.
    """

    __tablename__ = "request"

    request: str = Field(primary_key=True, max_length=64)
    project_no: str = Field(max_length=50, index=True)
    content: str = Field(sa_column=Column(Text, nullable=False))


class SealingMark(ApplicationsModel, table=True):
    """One row: whether the files may still contain what was stored before values were (re)sealed."""

    __tablename__ = "sealing_mark"

    id: int = Field(default=ONLY, primary_key=True)
    unclean: bool = False
