"""How pika reaches the broker: address, time limits, TLS, and which way to log in."""

import pika
from pika.credentials import ExternalCredentials

from shared.tls import Tls, require_for_broker, uses_certificate


def pika_parameters(url: str, connection_name: str, timeout: float, tls: Tls | None) -> pika.URLParameters:
    """`amqps` needs `tls`; without a password in the URL, the certificate logs in. Raises `SettingsError`.

    `timeout` in seconds, for connecting and for a broker that holds us back.
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
