"""Settings: read once from the environment into a frozen object.

An invalid value stops the start, with name and reason.
"""

from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, SecretStr, StringConstraints, ValidationError, create_model
from pydantic_settings import SettingsConfigDict

from contracts.content.gates import ReviewPolicy
from shared.errors import SettingsError
from shared.security.networks import Networks
from shared.security.oidc_settings import OidcSettings
from shared.security.tls import MUTUAL, Tls, require_for_broker
from shared.security.webhook_settings import WebhookSettings
from shared.tokens.keys import CALLERS_PATTERN

__all__ = ["Settings", "SettingsError", "for_services", "load"]


DatabaseUrl = Annotated[str, StringConstraints(pattern=r"^(postgresql(\+psycopg)?|sqlite)://")]
AmqpUrl = Annotated[str, StringConstraints(pattern=r"^amqps?://")]
Limit = Annotated[str, StringConstraints(pattern=r"^[1-9]\d*/([1-9]\d* )?(second|minute|hour|day)s?$")]
HttpUrl = Annotated[str, StringConstraints(pattern=r"^https?://[^/]")]
NOTE_KEYS = r"^$|^[^\s+,]+\+[0-9a-f]{8}\+[A-Za-z0-9+/=]+(,[^\s+,]+\+[0-9a-f]{8}\+[A-Za-z0-9+/=]+)*$"
"""Public keys as C2SP signed notes write them, separated by commas."""

EXAMPLE_REGION, EXAMPLE_COUNTY = "339921000000", "云溪县"
"""The fictitious example county. Its values are never used as defaults for another county."""


class Settings(OidcSettings, WebhookSettings):
    """Every setting is an environment variable `TONGYUAN_<NAME>`; docs/operating/settings.md is generated from this.

    `for_services` adds the settings that each service has: its database and its address.
    """

    model_config = SettingsConfigDict(env_prefix="TONGYUAN_", frozen=True, extra="ignore")

    region: str = Field(EXAMPLE_REGION, pattern=r"^\d{12}$", description="行政区划代码 of the county, 12 digits.")
    county: str = Field(
        default_factory=lambda given: _name_of(given.get("region")),
        min_length=1,
        max_length=200,
        description="Name of the county on pages; default: 云溪县 for its region, otherwise the region's code.",
    )
    origin: str = Field("", description="Name of the log in its checkpoints; default `tongyuan/<region>`.")
    review: ReviewPolicy = Field(
        ReviewPolicy.NONE,
        description="Written when the county is born, for ever: `none`, or `five`: no release with a gate open.",
    )
    word_lists: Path | None = Field(
        None, description="Folder of the county's word lists for reviewers (docs/operating/reviews.md); unset: none."
    )
    data_dir: Path = Field(Path("data"), description="Folder of databases, key and token (production: of the key).")
    database_url: DatabaseUrl | None = Field(
        None, description="PostgreSQL URL; each service uses the schema with its own name."
    )
    amqp_url: AmqpUrl | None = Field(None, description="RabbitMQ URL; unset: in-process delivery (`tongyuan up`).")
    broker_management_url: SecretStr | None = Field(
        None,
        description="RabbitMQ's management HTTP with account and password, for `tongyuan subscription`. For operators.",
    )
    exchange_database_url: SecretStr | None = Field(None, description="Database of `tongyuan exchange`. For operators.")
    admin_token: SecretStr | None = Field(
        None, description="Bearer token for writing to the sources. Production: only the sources get it, or its hash."
    )
    admin_token_hash: str = Field(
        "",
        pattern=r"^$|^[0-9a-f]{64}$",
        description="SHA-256 of the admin token: lets a source check the token without storing it.",
    )
    service_token: SecretStr | None = Field(
        None, description="Embedded mode: token for reading non-public data. Production: unused, see `callers`."
    )
    caller_key: SecretStr | None = Field(
        None, description="Private key (64 hexadecimal digits) with which a process signs its tokens."
    )
    callers: str = Field(
        "",
        pattern=CALLERS_PATTERN,
        description="Public keys of this process's callers: `name+64 hexadecimal digits`, comma-separated.",
    )
    operator_key: SecretStr | None = Field(
        None, description="Private key with which the command line signs its tokens. For operators only."
    )
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8080, ge=0, le=65535, description="HTTP port.")
    metrics_port: int = Field(
        0, ge=0, le=65535, description="Port of a worker's metrics and health endpoints; 0: none."
    )
    base_url: HttpUrl | None = Field(None, description="Address under which all services are reachable (a gateway).")
    public_url: str = Field(
        "",
        pattern=r"^$|^https?://[^/\s?#]+$",
        description="Public address of the county, for QR codes; default: the address of the request.",
    )
    site_id: str = Field(
        "",
        pattern=r"^(\d{10})?$",
        description="网站标识码 of the government site, 10 digits; the portal's pages contain it.",
    )
    personal_key_file: Path | None = Field(
        None,
        description="File of the keys that seal personal data; default `personal-keys` in the data folder.",
    )
    staff_key_file: Path | None = Field(
        None,
        description="File of the keys that seal the second factors of staff; default `staff-keys` in the data folder.",
    )
    source_key_file: Path | None = Field(
        None,
        description="File of a source's signing keys; default `<source>-key.pem` in the data folder.",
    )
    source_keys: str = Field(
        "",
        pattern=NOTE_KEYS,
        description="Source keys that the ledger lists (`tongyuan keys list`), comma-separated; unset: the first seen.",
    )
    tls_folder: Path | None = Field(
        None,
        description="Folder with `ca.pem`, `certificate.pem`, `key.pem`, for internal TLS (docs/operating/tls.md).",
    )
    tls_listen: str = Field(
        MUTUAL,
        pattern="^(mutual|server|plain)$",
        description="With a TLS folder: ask for client certificates, show only our own, or use no TLS.",
    )
    divisions_file: Path | None = Field(None, description="CSV file `code,name` of known 行政区划, for check C-8.")
    units_file: Path | None = Field(
        None,
        description="Units (18 characters) and former 行政区划 (6 digits), one per line, that imports also accept.",
    )
    ledger_keys: str = Field(
        "",
        pattern=NOTE_KEYS,
        description="Ledger keys that channels trust (`tongyuan keys list`), comma-separated; unset: the first seen.",
    )
    witness_key_file: Path | None = Field(
        None,
        description="Key (PEM, created if missing) with which a channel cosigns verified heads; unset: none.",
    )
    sm2_key_file: Path | None = Field(
        None, description="Key (PEM, created if missing) for an additional SM2 signature of checkpoints; unset: none."
    )
    head_interval: float = Field(2.0, gt=0, le=60, description="Seconds between signed heads.")
    reconcile_interval: float = Field(5.0, gt=0, le=600, description="Seconds between comparisons with upstream.")
    scrub_interval: float = Field(
        21_600.0,
        ge=1,
        description="Seconds within which the ledger checks all its entries again and repairs them.",
    )
    drill_interval: float = Field(
        86_400.0,
        ge=0,
        description="Seconds between drills, which rebuild each channel separately and compare it; 0: none.",
    )
    allowed_delay: float = Field(60.0, ge=0, description="Seconds that a channel may be behind before it is reported.")
    audit_interval: float = Field(
        600.0, ge=1, le=86400, description="Seconds within which the auditor reads every document of every channel."
    )
    audit_poll: float = Field(2.0, gt=0, le=60, description="Seconds between the auditor's checks for new releases.")
    audit_rate: float = Field(20.0, gt=0, le=1000, description="Requests per second that the auditor may always make.")
    audit_peak: float = Field(
        80.0, gt=0, le=1000, description="Most requests per second to finish in time, while responses are fast."
    )
    audit_repair: bool = Field(True, description="Whether the auditor repairs channels or only reports findings.")
    canary_interval: float = Field(
        0.0, ge=0, le=3600, description="Seconds between canaries, which measure the way to the channels; 0: none."
    )
    lookup_limit: Limit = Field("10/minute", description="Limit of case look-ups per client address.")
    lookup_case_limit: Limit = Field("5/15 minutes", description="Limit of failed case look-ups per case number.")
    feedback_limit: Limit = Field("10/hour", description="Limit of feedback about guides per client address.")
    backfill_lag: int = Field(600, ge=1, description="Imports pause while a channel is more entries behind than this.")
    import_keep_days: int = Field(
        90, ge=1, le=3650, description="Days that an uploaded file is kept after the last job on it."
    )
    import_disk_budget: int = Field(
        2 * 2**30,
        ge=64 * 2**20,
        description="Most bytes of uploaded files and of what their jobs wrote; above it: 507.",
    )
    bytes_in_flight: int = Field(
        128 * 2**20, ge=32 * 2**20, description="Most bytes held for requests and responses; above it: 503."
    )
    connections: int = Field(
        8_000, ge=16, description="Most open connections to a process; fewer if its limit of file descriptors is lower."
    )
    streams: int = Field(5_000, ge=1, description="Most open event streams of a process; above it: 503.")
    streams_per_address: int = Field(
        200, ge=1, description="Most open event streams per client address; above it: 429."
    )
    stream_networks: Networks = Field(
        "",
        description="Networks (comma-separated) without a limit of streams per address, such as halls.",
    )
    log_level: str = Field(
        "info", pattern="^(debug|info|warning|error)$", description="Lowest severity that is logged."
    )

    def database_url_for(self, service: str) -> str:
        """Return the SQLAlchemy URL of a service's own database; SQLite in the data folder by default."""
        url = getattr(self, f"{service}_database_url", None) or self.database_url
        if url is None:
            return f"sqlite:///{self.data_dir}/{service}.db"
        with_driver = str(url).replace("postgresql://", "postgresql+psycopg://", 1)
        return self.tls.database_url(with_driver) if self.tls else with_driver

    @property
    def personal_keys(self) -> Path:
        """File of the keys that seal personal data."""
        return self.personal_key_file or self.data_dir / "personal-keys"

    @property
    def staff_keys(self) -> Path:
        """File of the keys that seal the second factors of staff."""
        return self.staff_key_file or self.data_dir / "staff-keys"

    @property
    def webhook_key(self) -> Path:
        """File of the key that signs webhooks and cursors."""
        return self.webhook_key_file or self.data_dir / "webhook-key"

    def source_keys_of(self, source: str) -> Path:
        """Return the file of the keys with which a source signs its releases."""
        return self.source_key_file or self.data_dir / f"{source}-key.pem"

    def url_for(self, service: str) -> str:
        """Return the base address of a service, without its path; e.g. `http://ledger:8080` for `…/ledger/v1/head`."""
        return (self.stated_url(service) or f"http://{self.host}:{self.port}").rstrip("/")

    def stated_url(self, service: str) -> str | None:
        """Return the address of a service if the settings state one."""
        url: str | None = getattr(self, f"{service}_url", None)
        return url or self.base_url

    @cached_property
    def tls(self) -> Tls | None:
        """TLS of this process; None without a folder."""
        return Tls(self.tls_folder, self.tls_listen) if self.tls_folder else None

    def required_amqp_url(self) -> str:
        """Address of the broker. Raises `SettingsError` when it is not set."""
        if self.amqp_url is None:
            raise SettingsError("TONGYUAN_AMQP_URL: must be set for `tongyuan run`; `tongyuan up` needs no broker")
        return self.amqp_url

    def origin_for(self, asked: str) -> str:
        """Return the county's public address, without a trailing slash; `asked`: where this request was sent to."""
        return (self.public_url or asked).rstrip("/")

    @property
    def stated_county(self) -> str | None:
        """The county's name; None if nobody has stated it."""
        return self.county if "county" in self.model_fields_set or self.region == EXAMPLE_REGION else None

    @property
    def log_origin(self) -> str:
        """First line of every checkpoint."""
        return self.origin or f"tongyuan/{self.region}"


def _name_of(region: object) -> str:
    return EXAMPLE_COUNTY if region in (EXAMPLE_REGION, None) else str(region)


def for_services(services: Iterable[str]) -> type[Settings]:
    """Return the class of settings that also has `<service>_database_url` and `<service>_url` of these services."""
    own: dict[str, Any] = {}
    for name in services:
        own[f"{name}_database_url"] = (
            DatabaseUrl | None,
            Field(None, description=f"Database of {name}, where it has its own."),
        )
        own[f"{name}_url"] = (
            HttpUrl | None,
            Field(None, description=f"Address of {name}, without its path; default `base_url`."),
        )
    return create_model("CountySettings", __base__=Settings, __doc__=Settings.__doc__, **own)


def load(model: type[Settings] = Settings, /, **overrides: object) -> Settings:
    """Read the settings from the environment; `overrides` come from the command line. Raises `SettingsError`."""
    try:
        made = model(**{key: value for key, value in overrides.items() if value is not None})  # type: ignore[arg-type]  # strings from outside
    except ValidationError as error:
        reasons = [
            f"TONGYUAN_{'_'.join(str(part) for part in problem['loc']).upper()}: {problem['msg']}"
            for problem in error.errors()
        ]
        raise SettingsError("; ".join(reasons)) from None
    if made.tls is not None:
        made.tls.require()
    require_for_broker(made.amqp_url, made.tls)
    return made
