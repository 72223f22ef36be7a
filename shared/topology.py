"""The topology job: declares what `contracts.topology` names, and writes the least-rights accounts of the broker.

Services have no configure right, so nothing but this job creates, changes or binds anything.
"""

import base64
import hashlib
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from pika.adapters.blocking_connection import BlockingChannel, BlockingConnection
from pika.exceptions import AMQPError, ChannelClosedByBroker

from contracts.publication import Kind
from contracts.topology import (
    BACKFILL_EXCHANGE,
    BACKFILL_QUEUE,
    CHANNELS,
    DEAD_EXCHANGE,
    DEAD_QUEUE_ARGUMENTS,
    EXCHANGES,
    FEEDBACK_CHANNELS,
    FEEDBACK_EXCHANGE,
    FEEDBACK_QUEUE,
    GUIDES_QUEUE,
    INTAKE_EXCHANGE,
    INTAKE_QUEUE,
    LEDGER_QUEUE,
    PUBLICATIONS_EXCHANGE,
    QUEUES,
    SOURCES_EXCHANGE,
    Queue,
    dead_queue,
    publications_queue,
)
from shared.errors import Conflict, Invalid, UpstreamDown, Violation
from shared.pika_parameters import pika_parameters
from shared.tls import Tls

TIMEOUT_SECONDS = 10.0
HASHING = "rabbit_password_hashing_sha256"
NOTHING = "^$"
EVERYTHING = ".*"
SOURCE_KINDS = {"catalog": Kind.ITEM, "guides": Kind.GUIDE, "applications": Kind.APPLICATION}
ACCOUNTS = ("topology", *SOURCE_KINDS, "ledger", *CHANNELS, "intake")


def apply(
    url: str, *, exchanges: Sequence[str] = EXCHANGES, queues: Sequence[Queue] = QUEUES, tls: Tls | None = None
) -> None:
    """Declare every exchange, queue, dead-letter queue and binding; safe to repeat, never deletes.

    Raises `Conflict` naming each exchange or queue that exists with other arguments, after declaring all the others,
    and `UpstreamDown` when the broker cannot be reached or refuses the account.
    """
    with _connected(url, tls) as connection:
        conflicts = [*_declare_exchanges(connection, exchanges), *_declare_queues(connection, queues)]
    if conflicts:
        raise Conflict("; ".join(conflicts))


def definitions(passwords: Mapping[str, str], *, vhost: str = "/") -> dict[str, Any]:
    """RabbitMQ definitions (JSON) with one account per service, each with only the rights it needs.

    `passwords`: account name to password, for exactly the accounts in `ACCOUNTS`; raises `Invalid` otherwise.
    Import with `rabbitmqctl import_definitions FILE`, then delete `guest`. Passwords go in salted and hashed.
    """
    _require_all(passwords)
    return {
        "vhosts": [{"name": vhost}],
        "users": [_user(name, passwords[name]) for name in ACCOUNTS],
        "permissions": [_permission(name, vhost) for name in ACCOUNTS],
        "topic_permissions": [
            {"user": name, "vhost": vhost, "exchange": exchange, "write": rf"^[0-9]{{12}}\.{kind}\.", "read": NOTHING}
            for name, kind in SOURCE_KINDS.items()
            for exchange in (SOURCES_EXCHANGE, BACKFILL_EXCHANGE)
        ]
        + [
            {
                "user": name,
                "vhost": vhost,
                "exchange": FEEDBACK_EXCHANGE,
                "write": r"^[0-9]{12}\.feedback\.given$",
                "read": NOTHING,
            }
            for name in FEEDBACK_CHANNELS
        ],
    }


@contextmanager
def _connected(url: str, tls: Tls | None) -> Iterator[BlockingConnection]:
    parameters = pika_parameters(url, "tongyuan.topology", TIMEOUT_SECONDS, tls)
    try:
        connection = BlockingConnection(parameters)
    except (AMQPError, OSError) as error:
        place = f"{parameters.host}:{parameters.port}"
        raise UpstreamDown(f"no connection to the broker at {place}: {type(error).__name__} {error}") from error
    try:
        yield connection
    finally:
        if connection.is_open:
            connection.close()


def _declare_exchanges(connection: BlockingConnection, exchanges: Sequence[str]) -> Iterator[str]:
    for name in exchanges:
        with _channel(connection) as channel:
            try:
                channel.exchange_declare(name, exchange_type="topic", durable=True)
            except ChannelClosedByBroker as error:
                yield _conflict("exchange", name, error)


def _declare_queues(connection: BlockingConnection, queues: Sequence[Queue]) -> Iterator[str]:
    for queue in queues:
        dead = dead_queue(queue.name)
        # The dead-letter queue first: a message refused before it is bound would be lost.
        for name, exchange, key, arguments in (
            (dead, DEAD_EXCHANGE, queue.name, DEAD_QUEUE_ARGUMENTS),
            (queue.name, queue.exchange, queue.binding, queue.arguments),
        ):
            with _channel(connection) as channel:
                try:
                    channel.queue_declare(name, durable=True, arguments=arguments)
                    channel.queue_bind(name, exchange, key)
                except ChannelClosedByBroker as error:
                    yield _conflict("queue", name, error)


@contextmanager
def _channel(connection: BlockingConnection) -> Iterator[BlockingChannel]:
    """A channel per declaration: the broker closes it on a conflict, and the next one must not suffer."""
    channel = connection.channel()
    yield channel
    if channel.is_open:
        channel.close()


def _conflict(what: str, name: str, error: ChannelClosedByBroker) -> str:
    if error.reply_code != 406:
        raise UpstreamDown(f"{what} {name}: the broker says {error.reply_code} {error.reply_text}") from error
    remedy = (
        f"drain it, delete it (rabbitmqctl delete_queue {name}) and apply again"
        if what == "queue"
        else "delete it and apply again; its bindings come back with it"
    )
    return f"{what} {name} exists with other arguments ({error.reply_text}): {remedy}"


def _require_all(passwords: Mapping[str, str]) -> None:
    missing = [name for name in ACCOUNTS if not passwords.get(name)]
    unknown = sorted(set(passwords) - set(ACCOUNTS))
    violations = [Violation(name, "required", "needs a password that is not empty") for name in missing]
    violations += [Violation(name, "unknown", f"is no account; accounts: {', '.join(ACCOUNTS)}") for name in unknown]
    if violations:
        raise Invalid(*violations)


def _user(name: str, password: str) -> dict[str, Any]:
    return {"name": name, "password_hash": _password_hash(password), "hashing_algorithm": HASHING, "tags": []}


def _password_hash(password: str) -> str:
    """RabbitMQ's format: base64(salt ‖ SHA-256(salt ‖ password)) with 4 bytes of salt."""
    salt = secrets.token_bytes(4)
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()


def _permission(name: str, vhost: str) -> dict[str, str]:
    configure = EVERYTHING if name == "topology" else NOTHING
    writes, reads = _rights(name)
    return {"user": name, "vhost": vhost, "configure": configure, "write": writes, "read": reads}


def _rights(name: str) -> tuple[str, str]:
    """What the account may write to and read from, as the broker's regular expressions.

    Nobody may write to the default exchange: that would be a way into any queue.
    """
    if name == "topology":
        return EVERYTHING, EVERYTHING
    if name == "ledger":
        return _only(PUBLICATIONS_EXCHANGE), _only(LEDGER_QUEUE, BACKFILL_QUEUE)
    if name == "intake":
        return _only(INTAKE_EXCHANGE), NOTHING
    if name in CHANNELS:
        writes = _only(FEEDBACK_EXCHANGE) if name in FEEDBACK_CHANNELS else NOTHING
        return writes, _only(publications_queue(name))
    own_queues = {"applications": (INTAKE_QUEUE,), "guides": (GUIDES_QUEUE, FEEDBACK_QUEUE)}.get(name)
    return _only(SOURCES_EXCHANGE, BACKFILL_EXCHANGE), _only(*own_queues) if own_queues else NOTHING


def _only(*names: str) -> str:
    return f"^({'|'.join(re.escape(name) for name in names)})$"
