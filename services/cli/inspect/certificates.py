"""Certificates in `doctor`: those that expire soon, our own and those that services and broker present."""

import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from services.cli.terminal import RunningCounty
from services.runtime.manifests import SERVICES
from shared.config import Settings
from shared.security.certificate_watch import ends
from shared.security.tls import Tls, reason

SOON = timedelta(days=21)
PATIENCE_SECONDS = 5
AMQPS_PORT = 5671


def problems(running: RunningCounty) -> Iterator[str]:
    """Yield a line for each certificate that has expired or will soon, and for each address without TLS."""
    tls = running.config.tls
    if tls is None:
        return
    for file, end in ends(tls.folder).items():
        yield from _expiry_problem(str(tls.folder / file), end)
    for name, address in _addresses(running.config):
        parts = urlsplit(address)
        if parts.scheme not in ("https", "amqps"):
            yield f"{name} has no TLS: {parts.scheme}://{parts.hostname}:{parts.port or ''}"
            continue
        try:
            yield from _expiry_problem(
                f"the certificate of {name}", _presented_expiry(tls, parts.hostname or "", parts.port)
            )
        except OSError as error:
            yield f"{name}: {reason(error)}"


def _addresses(config: Settings) -> Iterator[tuple[str, str]]:
    """Yield each address once; with `base_url` all services have the same."""
    found = {config.url_for(service): service for service in reversed(SERVICES)}
    yield from ((service, address) for address, service in reversed(found.items()))
    if config.amqp_url:
        yield "the broker", config.amqp_url


def _presented_expiry(tls: Tls, host: str, port: int | None) -> datetime:
    """Return when the presented certificate expires. Raises OSError when it is refused."""
    with (
        socket.create_connection((host, port or AMQPS_PORT), timeout=PATIENCE_SECONDS) as plain,
        tls.client().wrap_socket(plain, server_hostname=host) as secured,
    ):
        certificate = secured.getpeercert() or {}
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(certificate["notAfter"])), UTC)


def _expiry_problem(what: str, end: datetime) -> Iterator[str]:
    left = end - datetime.now(UTC)
    if left < timedelta(0):
        yield f"{what} expired on {end:%Y-%m-%d}: see docs/operating/tls.md"
    elif left < SOON:
        yield f"{what} expires in {left.days} days, on {end:%Y-%m-%d}: see docs/operating/tls.md"
