"""`subscription`: integrators' subscriptions. It asks the running service, which writes down who changed what."""

from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from services.cli.integrators import queue
from services.cli.terminal import USAGE, BaseUrl, DataDir, Json_, county, fail, plain, print_json, print_list, say

SERVICE = queue.SERVICE
IdOf = queue.IdOf
ReasonOf = Annotated[str, typer.Option("--reason", help="Why; the subscriber is told.")]
app = typer.Typer(
    no_args_is_help=True, help="Integrators who are told of releases: add, keys, deliveries, redelivery, test event."
)


@app.command("list")
def list_(base_url: BaseUrl = None, data_dir: DataDir = None, as_json: Json_ = False) -> None:
    """List the subscriptions with their state and what waits for them."""
    with county(base_url, data_dir) as running:
        found = running.get(SERVICE, "subscriptions")["subscriptions"]
    print_list(found, _line, "nobody subscribes: tongyuan subscription add NAME", as_json=as_json)


@app.command()
def add(  # noqa: PLR0913, PLR0917  # an argument is an option of the command
    name: Annotated[str, typer.Argument(metavar="NAME", help="The subscribing system, such as 市数据共享平台.")],
    webhook: Annotated[
        str | None, typer.Option(help="Address to call; without it the subscriber reads the feed.")
    ] = None,
    delivery: Annotated[
        str | None, typer.Option(help="feed, webhook, or amqp: a queue at the broker. Default: webhook or feed.")
    ] = None,
    start: Annotated[str, typer.Option(help="now, everything, or the position after which it begins.")] = "now",
    filters: Annotated[Path | None, typer.Option(help="JSON file of filters; without it: everything.")] = None,
    rate: Annotated[int, typer.Option(help="Most calls per second.")] = 20,
    base_url: BaseUrl = None,
    data_dir: DataDir = None,
) -> None:
    """Add a subscription and print its key, and secrets or account, which are shown only now."""
    how = delivery or ("webhook" if webhook else "feed")
    sent = {
        "name": name,
        "filters": _read(filters) if filters else [],
        "start": int(start) if start.isdecimal() else start,
        "delivery": how,
        "url": webhook,
        "rate": rate,
    }
    with county(base_url, data_dir) as running:
        accounts = queue.accounts(running) if how == "amqp" else None
        made = running.post(SERVICE, "subscriptions", sent)
        say(_line(made) if accounts is None else f"{made['id']}  {plain(made['name'])}  queue")
        say(f"  key         {made['key']}    (for feed, stream, snapshot and deliveries)")
        if made["webhook"]:
            say(f"  secret      {made['webhook']['secret']}    (v1)")
            say(f"  public key  {made['webhook']['public_key']}    (v1a)")
        if accounts is not None:
            # If we die here, `rotate-password` completes it: until then nothing is sent.
            queue.print_login(queue.make(running, accounts, made["id"]))
    say("  shown only now; docs/integrating/subscriptions.md says what to do with them")


@app.command()
def show(subscription: IdOf, base_url: BaseUrl = None, data_dir: DataDir = None) -> None:
    """Print one subscription with its filters and keys, without secrets, as JSON."""
    with county(base_url, data_dir) as running:
        print_json(running.get(SERVICE, f"subscriptions/{subscription}"))


@app.command()
def pause(subscription: IdOf, reason: ReasonOf, base_url: BaseUrl = None, data_dir: DataDir = None) -> None:
    """Stop calling a webhook. Its events wait, and the feed can be read."""
    with county(base_url, data_dir) as running:
        say(_line(running.post(SERVICE, f"subscriptions/{subscription}/pause?reason={_quoted(reason)}")))


@app.command()
def resume(subscription: IdOf, base_url: BaseUrl = None, data_dir: DataDir = None) -> None:
    """Call a paused webhook again. What waits is sent at once, in order of keys."""
    with county(base_url, data_dir) as running:
        say(_line(running.post(SERVICE, f"subscriptions/{subscription}/resume")))


@app.command()
def revoke(
    subscription: IdOf,
    keep_queue: Annotated[bool, typer.Option(help="Leave what is in its queue at the broker.")] = False,
    base_url: BaseUrl = None,
    data_dir: DataDir = None,
) -> None:
    """Revoke a subscription for good: its keys count no more, open streams and connections end at once."""
    with county(base_url, data_dir) as running:
        queue.revoke(running, subscription, keep_queue=keep_queue)
    say(f"[green]✓[/] {plain(subscription)} is revoked")


app.command("rotate-password")(queue.rotate_password)
app.command("replay")(queue.replay)


@app.command()
def key(
    subscription: IdOf,
    days: Annotated[int | None, typer.Option(help="Days after which it ends; without it: never.")] = None,
    old_keys_hours: Annotated[int | None, typer.Option(help="Hours after which the keys so far end.")] = None,
    base_url: BaseUrl = None,
    data_dir: DataDir = None,
) -> None:
    """Give out a further key. It is shown only now."""
    sent = {"days": days, "old_keys_hours": old_keys_hours}
    with county(base_url, data_dir) as running:
        made = running.post(SERVICE, f"subscriptions/{subscription}/keys", sent)
    say(f"{made['key']}    id {made['id']}, until {made['expires_at'] or 'it is revoked'}")


@app.command("revoke-key")
def revoke_key(
    subscription: IdOf,
    key_id: Annotated[str, typer.Argument(metavar="KEY_ID", help="`id` of the key, as `subscription show` prints it.")],
    base_url: BaseUrl = None,
    data_dir: DataDir = None,
) -> None:
    """Revoke one key at once."""
    with county(base_url, data_dir) as running:
        running.delete(SERVICE, f"subscriptions/{subscription}/keys/{key_id}")
    say(f"[green]✓[/] key {plain(key_id)} counts no more")


@app.command("rotate-secrets")
def rotate_secrets(
    subscription: IdOf,
    overlap_hours: Annotated[int, typer.Option(help="Hours in which old and new secrets sign.")] = 24,
    base_url: BaseUrl = None,
    data_dir: DataDir = None,
) -> None:
    """Make new secrets of a webhook. They are shown only now."""
    with county(base_url, data_dir) as running:
        made = running.post(SERVICE, f"subscriptions/{subscription}/secrets", {"overlap_hours": overlap_hours})
    say(f"secret {made['secret']}\npublic key {made['public_key']}\nthe old ones sign until {made['old_sign_until']}")


@app.command()
def deliveries(
    subscription: IdOf,
    state: Annotated[str, typer.Option(help="Only open, delivered or given_up.")] = "",
    base_url: BaseUrl = None,
    data_dir: DataDir = None,
    as_json: Json_ = False,
) -> None:
    """List the newest deliveries of a webhook."""
    with county(base_url, data_dir) as running:
        found = running.get(SERVICE, f"subscriptions/{subscription}/deliveries", state=state)["deliveries"]
    print_list(found, _delivery, "no delivery", as_json=as_json)


@app.command()
def redeliver(
    subscription: IdOf,
    first: Annotated[int, typer.Argument(help="First position.")],
    last: Annotated[int, typer.Argument(help="Last position.")],
    everything: Annotated[bool, typer.Option(help="Also what was delivered, not only what was given up.")] = False,
    base_url: BaseUrl = None,
    data_dir: DataDir = None,
) -> None:
    """Send ended deliveries of a range of positions again. Receivers know repeats by webhook-id."""
    sent = {"first": first, "last": last, "everything": everything}
    with county(base_url, data_dir) as running:
        say(f"{running.post(SERVICE, f'subscriptions/{subscription}/redeliveries', sent)['opened']} are sent again")


@app.command("test")
def send_test(subscription: IdOf, base_url: BaseUrl = None, data_dir: DataDir = None) -> None:
    """Send a test event to this subscription only."""
    with county(base_url, data_dir) as running:
        made = running.post(SERVICE, f"subscriptions/{subscription}/test")
    say(f"[green]✓[/] the test event has position {made['position']}")


@app.command()
def restart(reason: ReasonOf, base_url: BaseUrl = None, data_dir: DataDir = None) -> None:
    """Begin a new epoch of the log, after the ledger was restored: all subscribers start from the snapshot."""
    with county(base_url, data_dir) as running:
        made = running.post(SERVICE, f"log/restart?reason={_quoted(reason)}")
    say(f"[green]✓[/] epoch {made['epoch']}: the ledger is read anew")


def _line(one: dict[str, Any]) -> str:
    state = one["state"] if one["state"] == "active" else f"[red]{one['state']}[/]"
    why = f"  {plain(one['reason'])}" if one["reason"] else ""
    where = plain(one["url"] or ("queue" if one["delivery"] == "amqp" else "feed"))
    return f"{one['id']}  {plain(one['name'])}  {where}  {state}  {one['open']} open{why}"


def _delivery(one: dict[str, Any]) -> str:
    next_ = f"next {one['next_at']}" if one["state"] == "open" else one["done_at"]
    return f"{one['position']:>8}  {one['state']:<9}  {one['attempts']} failed  {plain(one['id'])}  {next_}"


def _read(file: Path) -> Any:
    try:
        return orjson.loads(file.read_bytes())
    except (OSError, ValueError) as error:
        fail(f"{file}: {error}", USAGE)


def _quoted(text: str) -> str:
    from urllib.parse import quote  # noqa: PLC0415  # only two commands need it

    return quote(text)
