"""The OpenID provider as the settings name it."""

from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import urlsplit

from shared.config import Settings
from shared.errors import Broken, SettingsError
from shared.security.secret_files import read_secret

DEFAULT_CLAIM = "preferred_username"
PAGE = "docs/operating/people.md"


@dataclass(frozen=True)
class Provider:
    """The provider, and the desk's name and secret there.

    `claim`: of the ID token, the name of an account. `trusted_acr`, `trusted_amr`: what counts as the second factor.
    """

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    claim: str = DEFAULT_CLAIM
    trusted_acr: tuple[str, ...] = ()
    trusted_amr: frozenset[str] = frozenset()

    @property
    def is_local(self) -> bool:
        """Whether it is on this machine: of tests and demonstrations, where http is allowed."""
        return is_loopback(self.issuer)

    def allows(self, url: str) -> bool:
        """Whether the desk may send somebody, or a secret, to this address: https, or http on this machine."""
        return urlsplit(url).scheme == "https" or (self.is_local and is_loopback(url))


def provider_of(settings: Settings) -> Provider | None:
    """Return the provider; None without one. Raises `SettingsError` for half a configuration."""
    if not settings.oidc_issuer:
        for name in ("oidc_client_id", "oidc_trusted_acr", "oidc_trusted_amr", "oidc_claim"):
            if getattr(settings, name):
                raise SettingsError(f"TONGYUAN_OIDC_ISSUER: must be set, because TONGYUAN_{name.upper()} is ({PAGE})")
        return None
    if not settings.oidc_client_id:
        raise SettingsError(f"TONGYUAN_OIDC_CLIENT_ID: must be set, because TONGYUAN_OIDC_ISSUER is ({PAGE})")
    if not settings.oidc_issuer.startswith("https://") and not is_loopback(settings.oidc_issuer):
        raise SettingsError("TONGYUAN_OIDC_ISSUER: must begin with https://; only this machine may answer over http")
    return Provider(
        settings.oidc_issuer,
        settings.oidc_client_id,
        _secret(settings),
        settings.oidc_claim or DEFAULT_CLAIM,
        tuple(filter(None, settings.oidc_trusted_acr.split(","))),
        frozenset(filter(None, settings.oidc_trusted_amr.split(","))),
    )


def is_loopback(url: str) -> bool:
    """Whether the address is of this machine."""
    parts = urlsplit(url)
    try:
        return parts.scheme in ("http", "https") and ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return parts.hostname == "localhost"


def _secret(settings: Settings) -> str:
    file = settings.oidc_client_secret_file or settings.data_dir / "oidc-client-secret"
    try:
        secret = read_secret(file).decode().strip()
    except (OSError, UnicodeDecodeError, Broken) as error:
        raise SettingsError(f"TONGYUAN_OIDC_CLIENT_SECRET_FILE: {file} cannot be used: {error} ({PAGE})") from None
    if not secret:
        raise SettingsError(f"TONGYUAN_OIDC_CLIENT_SECRET_FILE: {file} is empty ({PAGE})")
    return secret
