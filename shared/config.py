"""Settings: the environment, read once, into a frozen object. Wrong values stop the start, by name and reason."""

from functools import cached_property
from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr, StringConstraints, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from contracts.topology import AUDITOR, CHANNELS, SOURCES
from shared.errors import SettingsError
from shared.tls import MUTUAL, Tls, require_for_broker

__all__ = ["SERVICES", "Settings", "SettingsError", "load"]

SERVICES = (*SOURCES, "ledger", *CHANNELS, AUDITOR)


DatabaseUrl = Annotated[str, StringConstraints(pattern=r"^(postgresql(\+psycopg)?|sqlite)://")]
AmqpUrl = Annotated[str, StringConstraints(pattern=r"^amqps?://")]
Limit = Annotated[str, StringConstraints(pattern=r"^[1-9]\d*/([1-9]\d* )?(second|minute|hour|day)s?$")]
HttpUrl = Annotated[str, StringConstraints(pattern=r"^https?://[^/]")]


class Settings(BaseSettings):
    """Every setting is an environment variable `TONGYUAN_<NAME>`; docs/operating/settings.md is made of this."""

    model_config = SettingsConfigDict(env_prefix="TONGYUAN_", frozen=True, extra="ignore")

    region: str = Field("339921000000", pattern=r"^\d{12}$", description="行政区划代码 of the county, 12 digits.")
    county: str = Field("云溪县", min_length=1, description="Name of the county, as pages show it.")
    origin: str = Field("", description="Name of the log in its checkpoints; default `tongyuan/<region>`.")
    data_dir: Path = Field(Path("data"), description="Embedded mode: databases, key, token. Production: the key.")
    database_url: DatabaseUrl | None = Field(
        None, description="PostgreSQL URL; each service uses the schema of its name."
    )
    catalog_database_url: DatabaseUrl | None = Field(None, description="Database of catalog, where it has its own.")
    guides_database_url: DatabaseUrl | None = Field(None, description="Database of guides, where it has its own.")
    applications_database_url: DatabaseUrl | None = Field(
        None, description="Database of applications, where it has its own."
    )
    ledger_database_url: DatabaseUrl | None = Field(None, description="Database of the ledger, where it has its own.")
    web_database_url: DatabaseUrl | None = Field(None, description="Database of web, where it has its own.")
    mobile_database_url: DatabaseUrl | None = Field(None, description="Database of mobile, where it has its own.")
    kiosk_database_url: DatabaseUrl | None = Field(None, description="Database of kiosk, where it has its own.")
    portal_database_url: DatabaseUrl | None = Field(None, description="Database of portal, where it has its own.")
    auditor_database_url: DatabaseUrl | None = Field(None, description="Database of the auditor, where it has its own.")
    amqp_url: AmqpUrl | None = Field(None, description="RabbitMQ URL; unset: in-process delivery (`tongyuan up`).")
    admin_token: SecretStr | None = Field(None, description="Bearer token for writing to the sources.")
    service_token: SecretStr | None = Field(None, description="Token by which services read each other's feeds.")
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8080, ge=0, le=65535, description="HTTP port.")
    metrics_port: int = Field(0, ge=0, le=65535, description="Port of a worker's /metrics and health; 0: none.")
    base_url: HttpUrl | None = Field(
        None, description="Where all services are reachable under one address (a gateway)."
    )
    public_url: str = Field(
        "",
        pattern=r"^$|^https?://[^/\s?#]+$",
        description="Where the public reaches the county, for QR codes on screens and paper; default: as it was asked.",
    )
    site_id: str = Field(
        "",
        pattern=r"^(\d{10})?$",
        description="网站标识码 of the government site, 10 digits; the portal's pages carry it.",
    )
    catalog_url: HttpUrl | None = Field(None, description="Address of catalog, without its path; default `base_url`.")
    guides_url: HttpUrl | None = Field(None, description="Address of guides.")
    applications_url: HttpUrl | None = Field(None, description="Address of applications.")
    ledger_url: HttpUrl | None = Field(None, description="Address of the ledger.")
    web_url: HttpUrl | None = Field(None, description="Address of web.")
    mobile_url: HttpUrl | None = Field(None, description="Address of mobile.")
    kiosk_url: HttpUrl | None = Field(None, description="Address of kiosk.")
    portal_url: HttpUrl | None = Field(None, description="Address of portal.")
    auditor_url: HttpUrl | None = Field(None, description="Address of the auditor.")
    personal_key_file: Path | None = Field(
        None,
        description="Keys that seal personal data of applications at rest; default `personal-keys` in the data folder.",
    )
    tls_folder: Path | None = Field(
        None,
        description="Folder with `ca.pem`, `certificate.pem`, `key.pem`: TLS inside (docs/operating/tls.md).",
    )
    tls_listen: str = Field(
        MUTUAL,
        pattern="^(mutual|server|plain)$",
        description="With a TLS folder, HTTP asks callers for a certificate, shows only its own, or stays plain.",
    )
    divisions_file: Path | None = Field(None, description="CSV `code,name` of known 行政区划, for check C-8.")
    ledger_keys: str = Field(
        "",
        pattern=r"^$|^[^\s+,]+\+[0-9a-f]{8}\+[A-Za-z0-9+/=]+(,[^\s+,]+\+[0-9a-f]{8}\+[A-Za-z0-9+/=]+)*$",
        description="Keys of the ledger that channels trust (`tongyuan keys list`), by commas; unset: the first seen.",
    )
    witness_key_file: Path | None = Field(
        None,
        description="Key (PEM, made when missing) by which a channel cosigns heads it has proven; unset: none.",
    )
    sm2_key_file: Path | None = Field(
        None, description="Key (PEM, made when missing) that signs checkpoints by SM2 as well; unset: none."
    )
    head_interval: float = Field(2.0, gt=0, le=60, description="Seconds between signed heads.")
    reconcile_interval: float = Field(5.0, gt=0, le=600, description="Seconds between comparisons with upstream.")
    drill_interval: float = Field(
        86_400.0, ge=0, description="Seconds between drills, which build each channel aside and compare; 0: none."
    )
    allowed_delay: float = Field(60.0, ge=0, description="Seconds that a channel may be behind before it counts.")
    audit_interval: float = Field(
        600.0, ge=1, le=86400, description="Seconds within which the auditor reads every document of every channel."
    )
    audit_poll: float = Field(2.0, gt=0, le=60, description="Seconds between the auditor's looks for new releases.")
    audit_rate: float = Field(20.0, gt=0, le=1000, description="Requests a second that the auditor may always make.")
    audit_peak: float = Field(
        80.0, gt=0, le=1000, description="Most that it makes to come round in time, while answers are quick."
    )
    audit_repair: bool = Field(True, description="Whether the auditor has channels repaired, or only tells.")
    lookup_limit: Limit = Field("10/minute", description="Case look-ups per address.")
    lookup_case_limit: Limit = Field("5/15 minutes", description="Wrong case look-ups per case number.")
    feedback_limit: Limit = Field("10/hour", description="Times that one address may say that a guide is wrong.")
    hook_hosts: str = Field(
        "",
        pattern=r"^$|^[a-z0-9.-]+(:\d{1,5})?(,[a-z0-9.-]+(:\d{1,5})?)*$",
        description="Hosts (`name` or `name:port`, by commas) of backends that may be told of cases; unset: none.",
    )
    hook_private: bool = Field(
        False, description="Whether these hosts may have private addresses and listen without TLS."
    )
    backfill_lag: int = Field(600, ge=1, description="Imports pause while a channel is this many entries behind.")
    log_level: str = Field("info", pattern="^(debug|info|warning|error)$", description="Least severe log line.")

    def database_url_for(self, service: str) -> str:
        """SQLAlchemy URL of a service's own database; SQLite in the data folder when nothing else is said."""
        url = getattr(self, f"{service}_database_url") or self.database_url
        if url is None:
            return f"sqlite:///{self.data_dir}/{service}.db"
        with_driver = str(url).replace("postgresql://", "postgresql+psycopg://", 1)
        return self.tls.database_url(with_driver) if self.tls else with_driver

    @property
    def personal_keys(self) -> Path:
        """File of the keys that seal personal data."""
        return self.personal_key_file or self.data_dir / "personal-keys"

    def url_for(self, service: str) -> str:
        """Base address of a service, without its path; e.g. `http://ledger:8080` for `…/ledger/v1/head`."""
        url = getattr(self, f"{service}_url") or self.base_url or f"http://{self.host}:{self.port}"
        return str(url).rstrip("/")

    @cached_property
    def tls(self) -> Tls | None:
        """TLS of this process; None without a folder."""
        return Tls(self.tls_folder, self.tls_listen) if self.tls_folder else None

    def origin_for(self, asked: str) -> str:
        """Where the public reaches the county, without a slash at the end; `asked`: where this request was sent to."""
        return (self.public_url or asked).rstrip("/")

    @property
    def log_origin(self) -> str:
        """First line of every checkpoint."""
        return self.origin or f"tongyuan/{self.region}"


def load(**overrides: object) -> Settings:
    """Settings from the environment; `overrides` come from the command line. Raises `SettingsError`."""
    try:
        made = Settings(**{key: value for key, value in overrides.items() if value is not None})  # type: ignore[arg-type]  # strings from outside
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
