"""The shapes of the answers of `/v1/audit`, for the OpenAPI documents. They do not validate at run time."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from contracts.base import Timestamp

HEX = r"^[0-9a-f]{64}$"


class Acting(BaseModel):
    """Who did it, as it was at that moment."""

    name: str = Field(title="账户或程序", description="Account of a person, or name of a machine.")
    title: str = Field(title="姓名")
    is_person: bool = Field(title="是否为人员")
    roles: list[str] | None = Field(title="当时的角色", description="Null: not known, in rows of an older log.")
    address: str = Field(title="来自", description="From where the actor asked.")


class ChangedField(BaseModel):
    """A field that differs. A value that is too long is `{"sha256": …}`; null: absent."""

    field: str = Field(title="字段")
    before: Any = Field(title="原来")
    after: Any = Field(title="现在")
    more: int | None = Field(default=None, title="其余", description="In the last one: how many fields are left out.")


class AuditedAct(BaseModel):
    """A row of the log. `before`, `after`: what identifies the states of the object, never a whole body."""

    model_config = ConfigDict(extra="allow")

    sequence: int = Field(ge=1, title="序号")
    at: Timestamp = Field(title="时间")
    hash: str = Field(pattern=HEX, title="链值", description="Over number, time, document and the hash before it.")
    actor: Acting = Field(title="谁")
    action: str = Field(title="动作")
    object: str = Field(title="对象", examples=["item:11339921003991014U4000700001000"])
    before: dict[str, Any] | None = Field(title="原来")
    after: dict[str, Any] | None = Field(title="现在")
    changes_digest: str | None = Field(title="变化的摘要", description="SHA-256 of `changes` as canonical JSON.")
    trace_id: str | None = Field(title="跟踪编号")
    changes: list[ChangedField] | None = Field(default=None, title="变化", description="For callers that may write.")


class AuditPage(BaseModel):
    """Rows, newest first. `next`: `before` of the next page; null on the last one."""

    rows: list[AuditedAct] = Field(title="记录")
    next: int | None = Field(title="下一页")


class AuditHead(BaseModel):
    """The newest row; number 0 and an empty hash while there is none."""

    sequence: int = Field(ge=0, title="序号")
    at: Timestamp | None = Field(title="时间")
    hash: str = Field(title="链值")
