"""The tables of an audit log."""

from sqlalchemy import BigInteger, Column, Index, MetaData, Text
from sqlmodel import Field, SQLModel

from shared.audit.chain import GENESIS

ONLY = 1


class AuditModel(SQLModel):
    """Base of the tables of an audit log."""

    metadata = MetaData()


class AuditRow(AuditModel, table=True):
    """One row, never changed: triggers refuse UPDATE and DELETE. `actor`, `action`, `object`, `address` repeat
    the document.

    `changes` is apart: it may hold what was drafted and is not released. The document has its digest.
    """

    __tablename__ = "audit_log"
    __table_args__ = (
        Index("audit_log_at", "at", "sequence"),
        Index("audit_log_actor", "actor", "action", "sequence"),
        Index("audit_log_of_actor", "actor", "sequence"),
        Index("audit_log_action", "action", "sequence"),
        Index("audit_log_object", "object", "sequence"),
        Index("audit_log_address", "address", "sequence"),
        Index("audit_log_actor_address", "actor", "address", "sequence"),
    )

    sequence: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    at: str = Field(max_length=27)
    actor: str = Field(max_length=64)
    action: str = Field(max_length=40)
    object: str = Field(max_length=160)
    address: str = Field(default="", max_length=64, sa_column_kwargs={"server_default": ""})
    document: str = Field(sa_column=Column(Text, nullable=False))
    changes: str | None = Field(default=None, sa_column=Column(Text))
    hash: str = Field(max_length=64)


class AuditHeadRow(AuditModel, table=True):
    """The newest row's sequence, time and hash. Updating this row locks the log until the transaction ends."""

    __tablename__ = "audit_head"

    id: int = Field(default=ONLY, primary_key=True)
    sequence: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    at: str = Field(default="", max_length=27)
    hash: str = Field(default=GENESIS, max_length=64)
