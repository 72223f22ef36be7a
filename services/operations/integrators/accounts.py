"""Makes and removes what a subscription has at the broker: its queue, and the account that may read it and no more.

The queue is declared over AMQP with the account `topology`. Accounts are made by the broker's management HTTP with the
same account, since AMQP knows no accounts. Every step may be repeated.
"""

import re
import secrets
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

import httpx

from contracts.topology import integrator_queue
from shared.config import Settings
from shared.errors import SettingsError, UpstreamDown
from shared.messaging.topology_job import NOTHING, hashed, make_integrator_queue, remove_integrator_queue
from shared.security.tls import reason, uses_certificate

TIMEOUT_SECONDS = 10.0
LIMITS = {"max-connections": 5, "max-channels": 20}
"""Of one integrator, so that none can use up the broker's connections."""

NEEDS = (
    "TONGYUAN_AMQP_URL and TONGYUAN_BROKER_MANAGEMENT_URL: must name RabbitMQ with the account `topology`; "
    "AMQP needs the broker of a production deployment, `tongyuan up` has feed and webhooks"
)


@dataclass(frozen=True)
class Login:
    """What an integrator is told. `password`: None where clients log in by certificate, whose CN is the account."""

    account: str
    queue: str
    vhost: str
    password: str | None


class IntegratorAccounts:
    """Raises `SettingsError` when made without a broker, and `UpstreamDown` when the broker refuses or is down."""

    def __init__(self, config: Settings) -> None:
        if config.amqp_url is None or config.broker_management_url is None:
            raise SettingsError(NEEDS)
        self._url, self._tls = config.amqp_url, config.tls
        self._vhost = unquote(urlsplit(config.amqp_url).path[1:]) or "/"
        place = httpx.URL(config.broker_management_url.get_secret_value())
        if place.scheme not in ("http", "https"):
            raise SettingsError("TONGYUAN_BROKER_MANAGEMENT_URL: must begin with http:// or https://")
        self._management = str(place.copy_with(username=None, password=None)).rstrip("/")
        self._login = (unquote(place.username), unquote(place.password))

    def make(self, subscription: str) -> Login:
        """Make the queue if there is none, and the account anew with a new password."""
        queue = integrator_queue(subscription)
        # The queue first: an account without a queue would be told that its queue does not exist.
        make_integrator_queue(self._url, subscription, self._tls)
        password = secrets.token_urlsafe(24)
        self._call("PUT", f"users/{subscription}", {**hashed(password), "tags": ""})
        for name, value in LIMITS.items():
            self._call("PUT", f"user-limits/{subscription}/{name}", {"value": value})
        rights = {"configure": NOTHING, "write": NOTHING, "read": f"^{re.escape(queue)}$"}
        self._call("PUT", f"permissions/{quote(self._vhost, safe='')}/{subscription}", rights)
        return Login(subscription, queue, self._vhost, None if uses_certificate(self._url) else password)

    def hang_up(self, subscription: str) -> None:
        """Close every connection of the account."""
        self._call("DELETE", f"connections/username/{subscription}")

    def remove_account(self, subscription: str) -> None:
        """Delete the account. The broker closes its connections at once."""
        self._call("DELETE", f"users/{subscription}")

    def remove_queue(self, subscription: str) -> None:
        """Delete the queue with what is in it. The log of subscriptions still has all of it."""
        remove_integrator_queue(self._url, subscription, self._tls)

    def _call(self, method: str, path: str, content: object = None) -> None:
        try:
            with httpx.Client(
                auth=self._login,
                timeout=TIMEOUT_SECONDS,
                trust_env=False,
                verify=self._tls.client() if self._tls else True,
            ) as http:
                answer = http.request(method, f"{self._management}/api/{path}", json=content)
        except httpx.HTTPError as error:
            raise UpstreamDown(
                f"the broker's management at {self._management} does not answer: {reason(error)}; "
                "enable the plugin rabbitmq_management"
            ) from error
        is_gone = method == "DELETE" and answer.status_code == httpx.codes.NOT_FOUND
        if not answer.is_success and not is_gone:
            raise UpstreamDown(f"the broker's management answered {answer.status_code} to {method} {path}")
