"""Networks in a setting: addresses with a prefix, comma-separated."""

from ipaddress import ip_network
from typing import Annotated

from pydantic import AfterValidator


def _networks(text: str) -> str:
    for one in filter(None, text.split(",")):
        ip_network(one)
    return text


Networks = Annotated[str, AfterValidator(_networks)]
