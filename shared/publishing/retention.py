"""Requests that the source and the ledger both take when law requires the bodies of cases to be erased."""

from pydantic import Field, field_validator

from contracts.base import Contract
from contracts.kinds import ERASABLE
from shared.security.privacy import find_personal_data


class Erasure(Contract):
    """Erase every body of one case. `reason` is told to everybody, so nothing personal belongs into it."""

    key: str = Field(pattern=rf"^({'|'.join(ERASABLE)}):[0-9A-Za-z_-]{{1,100}}$", description="Ledger key of the case.")
    reason: str = Field(min_length=1, max_length=200, examples=["个人信息保护法第四十七条"])
    by: str = Field(min_length=1, max_length=100, description="Who decided; visible to services only.")

    @field_validator("reason")
    @classmethod
    def _nothing_personal(cls, reason: str) -> str:
        if not reason.strip() or not reason.isprintable():
            raise ValueError("must give the reason in one line")
        if find_personal_data(reason):
            raise ValueError("must not contain personal numbers: it is public")
        return reason


class Compaction(Contract):
    """Erase bodies of cases' versions that a newer one took the place of, older than so many days."""

    older_than_days: int = Field(ge=0, le=36_500)
    by: str = Field(min_length=1, max_length=100)
