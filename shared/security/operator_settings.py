"""Settings of the command line alone: what an operator's commands use, and no process of the county has."""

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings


class OperatorSettings(BaseSettings):
    """A part of `shared.config.Settings`."""

    broker_management_url: SecretStr | None = Field(
        None,
        description="RabbitMQ's management HTTP with account and password, for `tongyuan subscription`. For operators.",
    )
    exchange_database_url: SecretStr | None = Field(
        None,
        description="Database of `tongyuan exchange`, PostgreSQL or SQLite. For operators.",
    )
    operator_key: SecretStr | None = Field(
        None, description="Private key with which the command line signs its tokens. For operators only."
    )
