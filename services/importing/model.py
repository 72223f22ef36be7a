"""Tables of the importing service: uploaded files, and jobs on them. No I/O."""

from enum import StrEnum

from sqlalchemy import BigInteger, Column, MetaData, Text
from sqlmodel import Field, SQLModel

importing_metadata = MetaData()


class JobKind(StrEnum):
    """`undo_preview` tells what `undo` would take back. `submission`: the plan of a preview goes to the five gates.

    Only `run` and `undo` change what is released.
    """

    PREVIEW = "preview"
    SUBMISSION = "submission"
    RUN = "run"
    UNDO_PREVIEW = "undo_preview"
    UNDO = "undo"


class JobState(StrEnum):
    """`waiting`: another job is being done. `finished`: it came to its end, whatever it found.

    `stopped`: it ended before its end, and says why; rows that it did not reach are counted. `interrupted`: likewise,
    because the process died. After both, the same file again finishes it.
    """

    WAITING = "waiting"
    RUNNING = "running"
    FINISHED = "finished"
    STOPPED = "stopped"
    INTERRUPTED = "interrupted"

    @property
    def is_open(self) -> bool:
        """Whether it still waits or runs."""
        return self in (JobState.WAITING, JobState.RUNNING)


class UploadRow(SQLModel, table=True):
    """An uploaded file. `beside`: the list that it belongs to, as a child table or a table of local codes."""

    metadata = importing_metadata
    __tablename__ = "upload"

    id: str = Field(primary_key=True, max_length=32)
    name: str = Field(max_length=200, description="File name as its sender wrote it.")
    size: int = Field(sa_column=Column(BigInteger, nullable=False), description="Bytes.")
    sha256: str = Field(max_length=64, index=True)
    kind: str = Field(max_length=8, description="xlsx, xls, csv or json, by content.")
    beside: str | None = Field(default=None, max_length=32, foreign_key="upload.id")
    uploaded_at: str = Field(max_length=27)
    by_name: str = Field(max_length=64, description="Account, or the name of a machine.")
    by_title: str = Field(max_length=64, description="The person's name for display.")
    by_address: str = Field(max_length=64)
    removed_at: str | None = Field(default=None, max_length=27, description="Since when its file is no longer kept.")


class JobRow(SQLModel, table=True):
    """One job on an uploaded file. Never deleted: it says who did what, and when."""

    metadata = importing_metadata
    __tablename__ = "job"

    id: int | None = Field(default=None, primary_key=True)
    upload: str = Field(max_length=32, foreign_key="upload.id", index=True)
    kind: str = Field(max_length=16)
    state: str = Field(max_length=16)
    settings: str = Field(sa_column=Column(Text, nullable=False), description="JSON of `ImportSettings`.")
    of_preview: int | None = Field(
        default=None, foreign_key="job.id", description="The preview that a run carries out, or that is submitted."
    )
    person: str | None = Field(default=None, sa_column=Column(Text), description="JSON of the person's claim.")
    by_name: str = Field(max_length=64)
    by_title: str = Field(max_length=64)
    by_address: str = Field(max_length=64)
    asked_at: str = Field(max_length=27)
    began_at: str | None = Field(default=None, max_length=27)
    ended_at: str | None = Field(default=None, max_length=27)
    rows: int | None = Field(default=None, description="Rows of the file, once it is read.")
    done: int = Field(default=0, description="Rows that are read, then rows that are finished.")
    digest: str | None = Field(default=None, max_length=64, description="SHA-256 over what a run would release.")
    problem: str | None = Field(default=None, sa_column=Column(Text), description="Why it stopped.")
    outcome: str | None = Field(default=None, sa_column=Column(Text), description="JSON; see `jobs.outcome`.")
