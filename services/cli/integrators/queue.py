"""Commands of `subscription` about queues: the service has the subscription, an operator makes the queue."""

from typing import Annotated

import typer

from services.cli.terminal import USAGE, BaseUrl, DataDir, RunningCounty, county, fail, plain, say
from services.operations.integrators.accounts import IntegratorAccounts, Login
from shared.errors import SettingsError

SERVICE = "subscriptions"
IdOf = Annotated[str, typer.Argument(metavar="ID", help="sub_…, as `subscription list` shows it.")]


def accounts(running: RunningCounty) -> IntegratorAccounts:
    """Return the accounts at the broker, or end the command with what is missing."""
    try:
        return IntegratorAccounts(running.config)
    except SettingsError as error:
        fail(str(error), USAGE)


def make(running: RunningCounty, at_broker: IntegratorAccounts, subscription: str) -> Login:
    """Make queue and account, then have the service fill the queue."""
    login = at_broker.make(subscription)
    running.post(SERVICE, f"subscriptions/{subscription}/account")
    return login


def print_login(login: Login) -> None:
    """Print what the integrator needs."""
    say(f"  queue       {login.queue}    (vhost {login.vhost})")
    say(f"  account     {login.account}")
    if login.password is None:
        say(f"  certificate python deploy/certificates.py tls --integrator {login.account}")
    else:
        say(f"  password    {login.password}")


def rotate_password(
    subscription: IdOf,
    hang_up: Annotated[
        bool, typer.Option("--hang-up", help="Also close open connections; otherwise they go on until they end.")
    ] = False,
    base_url: BaseUrl = None,
    data_dir: DataDir = None,
) -> None:
    """Give the account of a queue a new password, shown only now; make queue and account if they are missing."""
    with county(base_url, data_dir) as running:
        at_broker = accounts(running)
        _require_alive(running, subscription)
        login = make(running, at_broker, subscription)
        if hang_up:
            at_broker.hang_up(subscription)
    print_login(login)


def replay(
    subscription: IdOf,
    after: Annotated[int, typer.Argument(help="Position; all events after it come again, in order. 0: everything.")],
    base_url: BaseUrl = None,
    data_dir: DataDir = None,
) -> None:
    """Put all events after a position into the queue again. Readers know repeats by message_id."""
    with county(base_url, data_dir) as running:
        running.post(SERVICE, f"subscriptions/{subscription}/replays", {"after": after})
    say(f"[green]✓[/] everything after {after} comes again")


def revoke(running: RunningCounty, subscription: str, *, keep_queue: bool) -> None:
    """Revoke a subscription, at the broker first. If we die in between, the command is repeated."""
    found = running.get(SERVICE, f"subscriptions/{subscription}")
    at_broker = accounts(running) if found["delivery"] == "amqp" else None
    if at_broker is not None:
        at_broker.remove_account(subscription)
    if at_broker is None or found["state"] != "revoked":
        running.delete(SERVICE, f"subscriptions/{subscription}")
    # The queue last: the service would find none to fill.
    if at_broker is not None and not keep_queue:
        at_broker.remove_queue(subscription)


def _require_alive(running: RunningCounty, subscription: str) -> None:
    """An account of a revoked subscription must not come back."""
    found = running.get(SERVICE, f"subscriptions/{subscription}")
    if found["delivery"] != "amqp" or found["state"] == "revoked":
        fail(f"{plain(subscription)} has no queue, or is revoked")
