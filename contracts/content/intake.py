"""What hall systems and exchanges may send to `tongyuan.intake`: facts about cases (办件), in their own terms.

One JSON object per message, UTF-8; the field `source` says which of the three shapes it has. Order and repetition do
not matter: the same report has the same identity, and the state of a case is derived from the set of its facts. Names,
numbers and free text stay in the service applications.

A case must be opened once: by an editor, or by any of its messages that has `item_code` together with `query_code` or
`case_ref`. Earlier facts are stored until then; once the case is open, `query_code` is ignored.
"""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field, TypeAdapter

from contracts.base import Json, Timestamp, TolerantContract


class IntakeBase(TolerantContract):
    """Common fields of every shape: facts about the case, and what opens it. Unknown fields are ignored."""

    CODED: ClassVar[Mapping[str, str]] = {"task_type": "task_type", "promise_type": "promise_type"}
    """See `contracts.codes.coded_fields`."""

    item_code: str | None = Field(
        default=None, title="实施编码", pattern=r"^([0-9A-Z]{31}|[0-9A-Z]{33})$", description="Opens the case."
    )
    query_code: str | None = Field(
        default=None, title="查询码", max_length=40, description="As printed on the receipt; only its hash is kept."
    )
    case_ref: str | None = Field(
        default=None,
        pattern=r"^[a-z2-7]{52}$",
        description="Sent instead of `query_code`, which then stays in the hall system.",
    )
    task_type: str | None = Field(default=None, title="事项类型", pattern=r"^\d{2}$")
    promise_day: int | None = Field(default=None, ge=0, le=3650, title="承诺办结时限")
    promise_type: str | None = Field(default=None, title="承诺时限单位", pattern="^[12]$")


class HallMessage(IntakeBase):
    """An operation of a hall system: jj, accept, notaccept, bz, bzwc, bmksbl, specialresult, handlenotpass …"""

    source: Literal["hall"]
    project_no: str = Field(title="办件编号", min_length=1, max_length=100)
    operation: str = Field(title="操作", max_length=40)
    state: str | None = Field(
        default=None, title="办件状态", max_length=4, description="1 to 15, if the operation needs it."
    )
    occurred_at: Timestamp = Field(title="发生时间")
    details: Json = Field(default={}, description="accept_doc_no, special_type, handle_user, explain, …")


class StateMessage(IntakeBase):
    """A state code 1 to 15 (domain section 6.1) with its moment."""

    source: Literal["state"]
    project_no: str = Field(title="办件编号", min_length=1, max_length=100)
    state: str = Field(title="办件状态", max_length=4)
    occurred_at: Timestamp = Field(title="发生时间")
    details: Json = Field(default={}, description="The same fields as in a hall message.")


class ExchangeMessage(IntakeBase):
    """A row of the exchange's tables; `row` has the table's own field names, `row.project_no` identifies the case."""

    source: Literal["exchange"]
    table: str = Field(max_length=40, examples=["up_pro_accept", "up_pro_result"])
    row: Json


IntakeMessage = HallMessage | StateMessage | ExchangeMessage
INTAKE: TypeAdapter[IntakeMessage] = TypeAdapter(Annotated[IntakeMessage, Field(discriminator="source")])
"""Validates a message, e.g. `INTAKE.validate_python(orjson.loads(body))`."""
