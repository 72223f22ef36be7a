"""Runs one service of the nameko peer, as `nameko run` does, which needs a package that no release has any more."""

import importlib
import os
import sys
import warnings

warnings.filterwarnings("ignore", message=r"\s*Eventlet is deprecated")

import eventlet  # noqa: E402  # after the filter

eventlet.monkey_patch()  # before anything else is imported

from nameko.runners import ServiceRunner  # noqa: E402  # after the patch


def main(service: str, address: str) -> None:
    """`service` as `module:class`; `address` as `host:port`, where it serves HTTP."""
    module, _, name = service.partition(":")
    config = {"AMQP_URI": os.environ["PEER_AMQP"], "WEB_SERVER_ADDRESS": address}
    runner = ServiceRunner(config)
    runner.add_service(getattr(importlib.import_module(module), name))
    runner.start()
    runner.wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
