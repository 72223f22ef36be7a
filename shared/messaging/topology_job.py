"""Declares the exchanges, queues and bindings of `contracts.topology`, and makes the broker's account definitions.

Services have no configure right, so only this job creates, changes or binds anything.
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

from contracts.topology import (
    DEAD_EXCHANGE,
    DEAD_QUEUE_ARGUMENTS,
    EXCHANGES,
    INTEGRATOR_QUEUE_ARGUMENTS,
    INTEGRATORS_EXCHANGE,
    RETIRED_QUEUES,
    Queue,
    dead_queue,
    integrator_queue,
)
from shared.errors import Conflict, Invalid, UpstreamDown, Violation
from shared.manifest.model import Account
from shared.messaging.pika_parameters import pika_parameters
from shared.security.tls import Tls

TIMEOUT_SECONDS = 10.0
HASHING = "rabbit_password_hashing_sha256"
NOTHING = "^$"
EVERYTHING = ".*"
LIMITS = {"max-connections": 30, "max-channels": 300}
"""Limits of one account; a service has two processes with a handful of connections each.

Without a limit one account could use up the broker's file descriptors.
"""


def apply(
    url: str, queues: Sequence[Queue], *, exchanges: Sequence[str] = EXCHANGES, tls: Tls | None = None
) -> list[str]:
    """Declare the exchanges, these queues, their dead-letter queues and bindings; safe to repeat.

    Return notes for the operator.

    Queues of earlier versions are unbound. They are deleted only if they are empty and have no consumer.
    Raises `Conflict` naming each exchange or queue that exists with other arguments, after declaring all the others,
    and `UpstreamDown` when the broker cannot be reached or refuses the account.
    """
    with _connected(url, tls) as connection:
        conflicts = [*_declare_exchanges(connection, exchanges), *_declare_queues(connection, queues)]
        # Last: until the new queues are bound, only the old ones receive messages.
        notes = [note for name, exchange in RETIRED_QUEUES.items() for note in _retire(connection, name, exchange)]
    if conflicts:
        raise Conflict("; ".join(conflicts))
    return notes


def make_integrator_queue(url: str, subscription: str, tls: Tls | None = None) -> None:
    """Declare and bind a subscription's queue; safe to repeat. Raises as `apply`."""
    name = integrator_queue(subscription)
    with _connected(url, tls) as connection, _channel(connection) as channel:
        try:
            channel.queue_declare(name, durable=True, arguments=INTEGRATOR_QUEUE_ARGUMENTS)
            channel.queue_bind(name, INTEGRATORS_EXCHANGE, subscription)
        except ChannelClosedByBroker as error:
            raise Conflict(_conflict("queue", name, error)) from error


def remove_integrator_queue(url: str, subscription: str, tls: Tls | None = None) -> None:
    """Delete a subscription's queue with what is in it, if there is one. Raises `UpstreamDown`."""
    with _connected(url, tls) as connection, _channel(connection) as channel:
        try:
            channel.queue_delete(integrator_queue(subscription))
        except ChannelClosedByBroker as error:
            raise UpstreamDown(f"the broker refused: {error.reply_code} {error.reply_text}") from error


def definitions(accounts: Sequence[Account], passwords: Mapping[str, str], *, vhost: str = "/") -> dict[str, Any]:
    """Return RabbitMQ definitions (JSON) with these accounts, each with only the rights it needs.

    `passwords`: account name to password, for exactly these accounts; raises `Invalid` otherwise.
    Import with `rabbitmqctl import_definitions FILE`, then delete `guest`. Passwords are stored salted and hashed.
    """
    _require_all([account.name for account in accounts], passwords)
    return {
        "vhosts": [{"name": vhost}],
        "users": [_user(account, passwords[account.name]) for account in accounts],
        "permissions": [_permission(account, vhost) for account in accounts],
        "topic_permissions": [
            {"user": account.name, "vhost": vhost, "exchange": exchange, "write": pattern, "read": NOTHING}
            for account in accounts
            for exchange, pattern in account.topics.items()
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
    for name, form in (*((one, "topic") for one in exchanges), (INTEGRATORS_EXCHANGE, "direct")):
        with _channel(connection) as channel:
            try:
                channel.exchange_declare(name, exchange_type=form, durable=True)
            except ChannelClosedByBroker as error:
                yield _conflict("exchange", name, error)


def _declare_queues(connection: BlockingConnection, queues: Sequence[Queue]) -> Iterator[str]:
    for queue in queues:
        dead = dead_queue(queue.name)
        # The dead-letter queue first: a message refused before it is bound would be lost.
        for name, exchange, keys, arguments in (
            (dead, DEAD_EXCHANGE, (queue.name,), DEAD_QUEUE_ARGUMENTS),
            (queue.name, queue.exchange, queue.bindings, queue.arguments),
        ):
            with _channel(connection) as channel:
                try:
                    channel.queue_declare(name, durable=True, arguments=arguments)
                    for key in keys:
                        channel.queue_bind(name, exchange, key)
                except ChannelClosedByBroker as error:
                    yield _conflict("queue", name, error)


def _retire(connection: BlockingConnection, name: str, exchange: str) -> Iterator[str]:
    """Unbind a queue; delete it and its dead-letter queue if they are empty. Yield what is left, and why."""
    if _depth(connection, name) is not None:
        with _channel(connection) as channel:
            channel.queue_unbind(name, exchange, "#")
    for queue in (name, dead_queue(name)):
        depth = _depth(connection, queue)
        if depth == (0, 0):
            with _channel(connection) as channel:
                channel.queue_delete(queue)
        elif depth is not None:
            yield _left(queue, *depth)
            return


def _depth(connection: BlockingConnection, queue: str) -> tuple[int, int] | None:
    """Return the numbers of messages and consumers of a queue; None when there is no such queue."""
    with _channel(connection) as channel:
        try:
            found = channel.queue_declare(queue, passive=True).method
        except ChannelClosedByBroker:
            return None
    return found.message_count, found.consumer_count


def _left(queue: str, messages: int, readers: int) -> str:
    if readers:
        return f"queue {queue} belongs to an earlier version, which still reads it: apply again after stopping it"
    return (
        f"queue {queue} belongs to an earlier version and still holds {messages} messages. The ledger has them from "
        f"the sources' feeds. Look at dead letters (`tongyuan dead list`), then: rabbitmqctl delete_queue {queue}"
    )


@contextmanager
def _channel(connection: BlockingConnection) -> Iterator[BlockingChannel]:
    """Open a channel for one declaration: the broker closes it on a conflict, which must not affect the next one."""
    channel = connection.channel()
    yield channel
    if channel.is_open:
        channel.close()


def _conflict(what: str, name: str, error: ChannelClosedByBroker) -> str:
    if error.reply_code != 406:
        raise UpstreamDown(f"{what} {name}: the broker answered {error.reply_code} {error.reply_text}") from error
    remedy = (
        f"drain and delete it (rabbitmqctl delete_queue {name}), then apply again"
        if what == "queue"
        else "delete it and apply again; its bindings are declared with it"
    )
    return f"{what} {name} exists with other arguments ({error.reply_text}): {remedy}"


def _require_all(accounts: Sequence[str], passwords: Mapping[str, str]) -> None:
    missing = [name for name in accounts if not passwords.get(name)]
    unknown = sorted(set(passwords) - set(accounts))
    violations = [Violation(name, "required", "must not be empty") for name in missing]
    violations += [
        Violation(name, "unknown", f"is not an account; accounts: {', '.join(accounts)}") for name in unknown
    ]
    if violations:
        raise Invalid(*violations)


def _user(account: Account, password: str) -> dict[str, Any]:
    # Whoever may do everything also makes the accounts of integrators, by the broker's HTTP.
    tags = ["administrator"] if account.everything else []
    return {"name": account.name, **hashed(password), "tags": tags, "limits": LIMITS}


def hashed(password: str) -> dict[str, str]:
    """Return a password as RabbitMQ stores it: base64(salt ‖ SHA-256(salt ‖ password)) with 4 bytes of salt."""
    salt = secrets.token_bytes(4)
    digest = hashlib.sha256(salt + password.encode()).digest()
    return {"password_hash": base64.b64encode(salt + digest).decode(), "hashing_algorithm": HASHING}


def _permission(account: Account, vhost: str) -> dict[str, str]:
    """Return the account's rights, as the broker's regular expressions.

    No account may write to the default exchange: it reaches every queue.
    """
    if account.everything:
        rights = dict.fromkeys(("configure", "write", "read"), EVERYTHING)
    else:
        rights = {"configure": NOTHING, "write": _only(account.writes), "read": _only(account.reads)}
    return {"user": account.name, "vhost": vhost, **rights}


def _only(names: Sequence[str]) -> str:
    return f"^({'|'.join(re.escape(name) for name in names)})$" if names else NOTHING
