"""Tables of a channel: documents shown, versions not yet effective, parked entries, and the position."""

from sqlalchemy import BigInteger, Column, Index, LargeBinary, MetaData, Text
from sqlmodel import Field, SQLModel

channel_metadata = MetaData()
ONLY = 1


class ChannelModel(SQLModel):
    """Base of the tables in every channel's database."""

    metadata = channel_metadata


class _Document(ChannelModel):
    """Newest version of a key. `content` is the JSON as served, null for a tombstone; tombstones are never deleted."""

    key: str = Field(primary_key=True, max_length=128)
    kind: str = Field(max_length=16)
    bucket: str = Field(
        default="",
        max_length=2,
        sa_column_kwargs={"server_default": ""},
        description="Bucket of the key, see `digests`; empty where a version before this column has written.",
    )
    version: int
    position: int
    digest: str = Field(max_length=64, description="Digest of the publication.")
    content_digest: str | None = Field(default=None, max_length=64, description="SHA-256 of `content`.")
    effective_at: str | None = Field(default=None, max_length=27)
    expires_at: str | None = Field(default=None, max_length=27)
    released_at: str = Field(max_length=27)
    starts_at: str = Field(
        max_length=27, description="From when anybody could read it, see `shared.transparency.timeline`."
    )


class DocumentRow(_Document, table=True):
    """What the channel shows now. `change` is the channel's own increasing number, used by deltas and streams."""

    __tablename__ = "document"
    __table_args__ = (Index("ix_document_bucket", "bucket"),)

    change: int = Field(index=True)
    content: str | None = Field(default=None, sa_column=Column(Text))


class AsideRow(_Document, table=True):
    """The documents of a rebuild in progress; not served."""

    __tablename__ = "aside"
    __table_args__ = (Index("ix_aside_bucket", "bucket"),)

    change: int = 0
    content: str | None = Field(default=None, sa_column=Column(Text))


class AsideBuildRow(ChannelModel, table=True):
    """Which build the documents aside belong to: the one that began last."""

    __tablename__ = "aside_build"

    id: int = Field(default=ONLY, primary_key=True)
    token: str = Field(max_length=16)


class ScheduledRow(_Document, table=True):
    """A version that is not yet effective; a key may have several. One of a set also waits for the set's act."""

    __tablename__ = "scheduled"
    __table_args__ = (Index("ix_scheduled_effective_at", "effective_at"),)

    version: int = Field(primary_key=True)
    part_of: str | None = Field(default=None, max_length=128, description="Key of the act that completes its set.")
    content: str | None = Field(default=None, sa_column=Column(Text))


class ReleaseSetRow(ChannelModel, table=True):
    """A set whose act was applied. `complete`: all its members are here too, so they are shown when they are due."""

    __tablename__ = "release_set"

    act: str = Field(primary_key=True, max_length=128)
    recorded_at: str = Field(max_length=27)
    members: str = Field(sa_column=Column(Text, nullable=False), description="As JSON: `[[key, version], …]`.")
    complete: bool = False


class ParkedRow(ChannelModel, table=True):
    """An entry that could not be shown, with the reason. Its key counts as diverged until a newer version is shown."""

    __tablename__ = "parked"

    position: int = Field(primary_key=True)
    key: str = Field(max_length=128, index=True)
    version: int
    reason: str = Field(max_length=500)
    parked_at: str = Field(max_length=27)
    entry: str = Field(sa_column=Column(Text, nullable=False))


class StateRow(ChannelModel, table=True):
    """Position in the ledger, newest change number, and the epoch of the change numbers."""

    __tablename__ = "state"

    id: int = Field(default=ONLY, primary_key=True)
    position: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    change: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    epoch: str = Field(default="", max_length=16)
    root: str | None = Field(default=None, max_length=64, description="Root of the ledger's entries up to `position`.")


class IndexedRow(ChannelModel, table=True):
    """The change up to which the search index is complete; a separate row, so that indexing never blocks publishing."""

    __tablename__ = "indexed"

    id: int = Field(default=ONLY, primary_key=True)
    change: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))


class CalledRow(ChannelModel, table=True):
    """Ticket numbers called in the hall, see `services.channels.pages.ticket_calls`; used by the kiosk only."""

    __tablename__ = "called"

    id: int = Field(default=ONLY, primary_key=True)
    calls: str = Field(sa_column=Column(Text, nullable=False))
    called_at: str = Field(max_length=27)
    expires_at: str = Field(max_length=27)


class HookRow(ChannelModel, table=True):
    """A subscription to the progress of a case, see `services.channels.mobile.subscriptions`; used by mobile only.

    A rebuild does not touch it. `pushed` marks the state of the case that subscriptions, which calls the app, has
    confirmed; `address` is the digest of the app's. The columns from `url` to `problem` are of the release before, in
    which mobile called, and go in the release after. Once subscriptions has the hook, `secret` is empty, and `url` is
    the id, since the older index wants it unique.
    """

    __tablename__ = "hook"
    __table_args__ = (
        Index("ix_hook_host", "host", "state", "next_at"),
        Index("ix_hook_case_ref", "case_ref", "url", unique=True),
    )

    id: str = Field(primary_key=True, max_length=32)
    case_ref: str = Field(max_length=64)
    url: str = Field(max_length=300)
    host: str = Field(max_length=120)
    secret: str = Field(max_length=64)
    told: str = Field(max_length=24)
    state: str = Field(default="active", max_length=8)
    failures: int = Field(default=0)
    problem: str | None = Field(default=None, max_length=100)
    next_at: str = Field(max_length=27, description="When it was asked for.")
    expires_at: str = Field(max_length=27)
    address: str | None = Field(default=None, max_length=64)
    pushed: str | None = Field(default=None, max_length=24)


class FormerHookRow(ChannelModel, table=True):
    """A hook whose row is gone, and what subscriptions has yet to be told of it. Nothing here names the case.

    `mark`, `body`: its last news; null: delete it. `after`: see `HookRow.pushed`.
    """

    __tablename__ = "former_hook"

    id: str = Field(primary_key=True, max_length=32)
    after: str | None = Field(default=None, max_length=24)
    mark: str | None = Field(default=None, max_length=24)
    body: str | None = Field(default=None, sa_column=Column(Text))


class FileRow(ChannelModel, table=True):
    """The bytes of a file that a shown guide names, see `channels.files.store`. A rebuild does not touch it."""

    __tablename__ = "file"

    sha256: str = Field(primary_key=True, max_length=64)
    size: int
    content: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class SeenHeadRow(ChannelModel, table=True):
    """The newest signed head of which the channel has applied every entry."""

    __tablename__ = "seen_head"

    id: int = Field(default=ONLY, primary_key=True)
    size: int
    root: str = Field(max_length=64)
    time: str = Field(max_length=27)
    checkpoint: str = Field(sa_column=Column(Text, nullable=False))
    statement: str | None = Field(default=None, sa_column=Column(Text), description="As received; readers verify it.")
