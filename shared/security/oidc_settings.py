"""The settings of signing in with an account of the unit, by OpenID Connect."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings

NAMES = r"^$|^[^\s,]+(,[^\s,]+)*$"


class OidcSettings(BaseSettings):
    """Read by the desk alone, see docs/operating/people.md. Unset: people sign in with passwords only."""

    oidc_issuer: str = Field(
        "",
        pattern=r"^$|^https?://[^/\s?#]+[^\s?#]*$",
        description="Issuer of the OpenID provider with which staff sign in (docs/operating/people.md); unset: none.",
    )
    oidc_client_id: str = Field("", max_length=200, description="Name of the desk at the OpenID provider.")
    oidc_client_secret_file: Path | None = Field(
        None, description="File of the desk's secret there; default `oidc-client-secret` in the data folder."
    )
    oidc_claim: str = Field(
        "", max_length=100, description="Claim of the ID token with the account's name; default `preferred_username`."
    )
    oidc_trusted_acr: str = Field(
        "", pattern=NAMES, description="Values of `acr`, comma-separated, that count as the second factor; unset: none."
    )
    oidc_trusted_amr: str = Field("", pattern=NAMES, description="Values of `amr`, likewise: one of them is enough.")
