"""`python -m tongyuan_client ADDRESS`: print a county's events, one JSON object a line, or push them to a portal."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from contextlib import closing

import httpx

from tongyuan_client.errors import Halted, Refused
from tongyuan_client.feeds import HttpFeed
from tongyuan_client.push import Portal
from tongyuan_client.reader import Event
from tongyuan_client.subscriber import Subscriber


def main(arguments: Sequence[str] | None = None) -> int:
    """Return the exit code: 0 done, 1 the county cannot be read or believed, 2 usage."""
    parser = argparse.ArgumentParser(prog="tongyuan-client", description=__doc__)
    parser.add_argument("address", help="such as https://county.example")
    parser.add_argument("--state", default="tongyuan-state.db", help="file that remembers what was delivered")
    parser.add_argument("--key", action="append", default=[], help="verifier key from a source of your own; repeatable")
    parser.add_argument("--follow", action="store_true", help="go on with what is published from now on")
    parser.add_argument("--push", metavar="PORTAL", help="bring every version to this address instead of printing it")
    parser.add_argument("--receipts", default="tongyuan-receipts.db", help="file of what the portal has acknowledged")
    options = parser.parse_args(arguments)
    subscriber = Subscriber(HttpFeed(options.address), options.state, keys=options.key)
    try:
        if options.push:
            _push(subscriber, options)
        else:
            for event in subscriber.events(follow=options.follow):
                _print(event)
    except (Halted, Refused, OSError, httpx.HTTPError) as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        return 1
    finally:
        subscriber.close()
    return 0


def _print(event: Event) -> None:
    line = {"op": event.op, "key": event.key, "version": event.version, "position": event.position}
    sys.stdout.write(json.dumps({**line, "body": event.body}, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def _push(subscriber: Subscriber, options: argparse.Namespace) -> None:
    """The portal's token is in the environment, where no list of processes shows it."""
    token = os.environ.get("TONGYUAN_PORTAL_TOKEN")
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    http = httpx.Client(base_url=options.push.rstrip("/"), headers=headers, timeout=30, trust_env=False)
    with closing(Portal(http, options.receipts)) as portal:
        for follow in (False, True) if options.follow else (False,):
            for event in subscriber.events(follow=follow):
                portal.push(event)
            portal.remove_stale()


if __name__ == "__main__":
    sys.exit(main())
