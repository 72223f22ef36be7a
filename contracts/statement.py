"""What the ledger signs beside its checkpoints. Both travel as the text of a C2SP signed note, one line of JSON."""

from typing import Literal

from pydantic import Field

from contracts.base import Timestamp, TolerantContract

STATEMENT_TYPE = "tongyuan-head-statement/1"
KEY_TYPE = "tongyuan-key/1"
Hash = Field(pattern=r"^[0-9a-f]{64}$")


class HeadStatement(TolerantContract):
    """The newest head with its time and the root of the state tree. Issued every ten seconds, also without news."""

    type: Literal["tongyuan-head-statement/1"]
    origin: str = Field(description="First line of the log's checkpoints.")
    sequence: int = Field(ge=1, description="1, 2, 3 …")
    size: int = Field(ge=0)
    root: str = Hash
    state_root: str = Field(pattern=r"^[0-9a-f]{64}$", description="Of the newest version of every item and guide.")
    snapshot_root: str = Field(
        pattern=r"^[0-9a-f]{64}$", description="Of the newest entry of every key, cases too, by their first release."
    )
    issued_at: Timestamp
    expires_at: Timestamp = Field(description="Whoever still holds this one then is being kept from newer ones.")


class KeyEndorsement(TolerantContract):
    """A key of the log says that a newer one is the log's as well."""

    type: Literal["tongyuan-key/1"]
    origin: str
    key_id: str = Field(pattern=r"^[0-9a-f]{8}$")
    public_key: str = Hash
    signs_from: Timestamp
