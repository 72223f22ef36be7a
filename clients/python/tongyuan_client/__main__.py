"""`python -m tongyuan_client ADDRESS`: print a county's events, one JSON object a line."""

import argparse
import json
import sys
from collections.abc import Sequence

import httpx

from tongyuan_client.errors import Halted, Refused
from tongyuan_client.feeds import HttpFeed
from tongyuan_client.subscriber import Subscriber


def main(arguments: Sequence[str] | None = None) -> int:
    """Return the exit code: 0 done, 1 the county cannot be read or believed, 2 usage."""
    parser = argparse.ArgumentParser(prog="tongyuan-client", description=__doc__)
    parser.add_argument("address", help="such as https://county.example")
    parser.add_argument("--state", default="tongyuan-state.db", help="file that remembers what was delivered")
    parser.add_argument("--key", action="append", default=[], help="verifier key from a source of your own; repeatable")
    parser.add_argument("--follow", action="store_true", help="go on with what is published from now on")
    options = parser.parse_args(arguments)
    subscriber = Subscriber(HttpFeed(options.address), options.state, keys=options.key)
    try:
        for event in subscriber.events(follow=options.follow):
            line = {"op": event.op, "key": event.key, "version": event.version, "position": event.position}
            sys.stdout.write(json.dumps({**line, "body": event.body}, ensure_ascii=False) + "\n")
            sys.stdout.flush()
    except (Halted, Refused, OSError, httpx.HTTPError) as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        return 1
    finally:
        subscriber.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
