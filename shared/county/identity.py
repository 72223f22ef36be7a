"""The county that a store belongs to: written when the store is made, and compared with the settings at every start.

Region and log origin never change. The name may, by `tongyuan county rename`: a county can become a city (县改市).
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace

from contracts.base import Json
from shared.config import Settings
from shared.errors import SettingsError

ELSEWHERE = "choose another --data-dir or database"
OWN_BACK = dict.fromkeys(
    ("TONGYUAN_REGION", "TONGYUAN_ORIGIN"), "restore this county's own data, or correct the setting"
)


@dataclass(frozen=True, slots=True)
class Identity:
    """A county: 行政区划代码, the name of its log, its own name, and whether it is a demonstration (演示).

    A field is None if nobody has stated it: a store of an earlier version states only what follows from its content.
    """

    region: str | None = None
    origin: str | None = None
    county: str | None = None
    demo: bool | None = None

    @classmethod
    def of(cls, settings: Settings, *, demo: bool = False) -> "Identity":
        """Return the identity that the settings ask for."""
        return cls(settings.region, settings.log_origin, settings.stated_county, demo)

    @property
    def title(self) -> str:
        """Region and name, for display."""
        name = f" {self.county}" if self.county else ""
        return f"{self.region}{name}{'（演示）' if self.demo else ''}"

    def as_json(self) -> Json:
        """Return it for scripts, and for `/readyz`."""
        return asdict(self)


def require(stored: Identity, wanted: Identity, where: str) -> None:
    """Raises `SettingsError` when `stored`, the identity of `where`, is another county than the settings name."""
    name = f" TONGYUAN_COUNTY={stored.county}" if stored.county else ""
    require_log(
        stored,
        wanted,
        where,
        {
            "TONGYUAN_REGION": f"start it with TONGYUAN_REGION={stored.region}{name}, or {ELSEWHERE}",
            "TONGYUAN_ORIGIN": f"start it with TONGYUAN_ORIGIN={stored.origin}, or {ELSEWHERE}",
        },
    )
    if stored.county not in (None, wanted.county):
        raise SettingsError(
            f"TONGYUAN_COUNTY: {where} belongs to {stored.title}, not {wanted.county or 'a county without a name'}: "
            f"start it with TONGYUAN_COUNTY={stored.county}, or {ELSEWHERE}; if the county was renamed, "
            f"run `tongyuan county rename {wanted.county or 'NAME'}` first"
        )
    if wanted.demo and stored.demo is False:
        raise SettingsError(
            f"--demo: {where} belongs to {stored.title}, which was not created as a demonstration: start it with "
            "--no-demo, or choose another --data-dir for the demonstration"
        )


def require_log(stored: Identity, wanted: Identity, where: str, remedies: Mapping[str, str] = OWN_BACK) -> None:
    """Like `require`, by region and log alone: a renamed county is the same county. `remedies`: by setting."""
    if stored.region not in (None, wanted.region):
        belongs, remedy = f"{stored.title}, not {wanted.title}", remedies["TONGYUAN_REGION"]
        raise SettingsError(f"TONGYUAN_REGION: {where} belongs to {belongs}: {remedy}")
    if stored.origin not in (None, wanted.origin):
        belongs, remedy = f"the log {stored.origin}, not the log {wanted.origin}", remedies["TONGYUAN_ORIGIN"]
        raise SettingsError(f"TONGYUAN_ORIGIN: {where} belongs to {belongs}: {remedy}")


def agreed(stored: Mapping[str, Identity], wanted: Identity) -> Identity:
    """Return the one county of all these stores. Raises `SettingsError` when one belongs to another.

    It is a demonstration if it was made as one, or if it is made now and `wanted` asks for one.
    """
    for service, county in stored.items():
        require(county, wanted, f"the store of {service}")
    demo = _first(county.demo for county in stored.values())
    if any(county.demo not in (None, demo) for county in stored.values()):
        raise SettingsError(
            "TONGYUAN_DATA_DIR: some of its stores belong to a demonstration and others do not: "
            "restore a backup, or choose another --data-dir"
        )
    return replace(wanted, demo=bool(wanted.demo) if demo is None else demo)


def _first(values: Iterable[bool | None]) -> bool | None:
    return next((value for value in values if value is not None), None)
