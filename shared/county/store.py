"""The county in a service's own store: one row, written when the store is made."""

from datetime import UTC, datetime

from sqlalchemy import MetaData, inspect
from sqlmodel import Field, Session, SQLModel

from contracts.base import format_time
from shared.county.identity import Identity, require
from shared.database.engine import Database
from shared.errors import SettingsError, Unavailable

ONLY = 1


class IdentityModel(SQLModel):
    """Base of the one table that every service's store has."""

    metadata = MetaData()


class IdentityRow(IdentityModel, table=True):
    """The county that this store belongs to.

    `former`: its earlier names, one per line, each with the time of its end.
    """

    __tablename__ = "identity"

    id: int = Field(default=ONLY, primary_key=True)
    region: str = Field(max_length=12)
    origin: str = Field(max_length=200)
    county: str | None = Field(default=None, max_length=200)
    demo: bool
    written_at: str = Field(max_length=27)
    former: str = Field(default="", max_length=2000)


def known(db: Database) -> Identity | None:
    """Return the county that the store names; None when it names none yet."""
    with db.read() as session:
        if not inspect(session.connection()).has_table("identity", schema=None if db.is_sqlite else db.service):
            return None
        row = session.get(IdentityRow, ONLY)
        return None if row is None else Identity(row.region, row.origin, row.county, row.demo)


def write(db: Database, county: Identity) -> None:
    """Write the county into a store that names none; add a name that was never stated. Nothing else changes."""
    with db.write() as session:
        row = session.get(IdentityRow, ONLY)
        if row is None:
            session.add(_row(county))
        elif row.county is None and county.county is not None:
            row.county = county.county
            session.add(row)


def rename(session: Session, name: str) -> bool:
    """Rename the store's county; False when it has this name already. Raises `Unavailable` when it names no county."""
    row = session.get(IdentityRow, ONLY)
    if row is None:
        raise Unavailable("the store names no county yet; run `tongyuan migrate` first")
    if row.county == name:
        return False
    if row.county is not None:
        row.former = f"{row.former}{row.county} {format_time(datetime.now(UTC))}\n"
    row.county = name
    session.add(row)
    return True


def require_own(db: Database, wanted: Identity) -> Identity:
    """Return the store's county if it is the wanted one.

    Raises `SettingsError`, and `Unavailable` while it has none.
    """
    stored = known(db)
    if stored is None:
        raise Unavailable(f"{db.service}: its store names no county; run `tongyuan migrate` first")
    require(stored, wanted, f"the store of {db.service}")
    return stored


def _row(county: Identity) -> IdentityRow:
    if county.region is None or county.origin is None:
        raise SettingsError("TONGYUAN_REGION: a new store needs a region and a log origin")
    return IdentityRow(
        region=county.region,
        origin=county.origin,
        county=county.county,
        demo=bool(county.demo),
        written_at=format_time(datetime.now(UTC)),
    )
