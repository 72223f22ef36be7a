"""pika's connection parameters: address, time limits, TLS and login."""

import pika
from pika.credentials import ExternalCredentials

from shared.security.tls import Tls, require_for_broker, uses_certificate


def pika_parameters(url: str, connection_name: str, timeout: float, tls: Tls | None) -> pika.URLParameters:
    """Return the parameters. `amqps` needs `tls`; without a password in the URL the client certificate logs in.

    `timeout` in seconds, for connecting and for a broker that blocks the connection. Raises `SettingsError`.
    """
    require_for_broker(url, tls)
    parameters = pika.URLParameters(url)
    parameters.socket_timeout = parameters.stack_timeout = parameters.blocked_connection_timeout = timeout
    parameters.client_properties = {"connection_name": connection_name}
    if tls is not None and parameters.ssl_options is not None:
        parameters.ssl_options = pika.SSLOptions(tls.client(), parameters.host)
        if uses_certificate(url):
            parameters.credentials = ExternalCredentials()  # type: ignore[no-untyped-call,unused-ignore]
    return parameters
