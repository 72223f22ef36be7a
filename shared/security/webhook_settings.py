"""Settings of webhooks: which addresses may be called, and with which key."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings

from shared.security.networks import Networks


class WebhookSettings(BaseSettings):
    """A part of `shared.config.Settings`."""

    hook_hosts: str = Field(
        "",
        pattern=r"^$|^[a-z0-9.-]+(:\d{1,5})?(,[a-z0-9.-]+(:\d{1,5})?)*$",
        description="Hosts (`name` or `name:port`, comma-separated) that webhooks may call; unset: none.",
    )
    hook_private: bool = Field(
        False, description="Whether these hosts may have private addresses and listen without TLS."
    )
    webhook_key_file: Path | None = Field(
        None,
        description="File of the key that signs webhooks and cursors; default `webhook-key` in the data folder.",
    )
    webhook_networks: Networks = Field(
        "",
        description="Networks (comma-separated) besides the public internet that webhooks may call, also without TLS; "
        "in a demonstration this machine.",
    )
    webhook_text_days: int = Field(
        7, ge=1, le=90, description="Days that requests and answers of webhooks are kept in the delivery log."
    )
    webhook_log_days: int = Field(
        30,
        ge=1,
        le=365,
        description="Days that calls and ended deliveries are kept; what is open stays.",
    )
