"""Assembles the desk: its own store, and the other services over HTTP, called with tokens that name a person."""

from collections.abc import Callable
from functools import partial

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI

from contracts.topology import CONSOLE, IMPORTING
from services.console import api
from services.console.desk import Desk
from services.console.upstream.services import Services
from services.runtime import manifests
from services.runtime.wiring import Wiring
from shared.config import Settings, SettingsError
from shared.feeds.upstream import client
from shared.timers import Background
from shared.tokens.checking import Callers
from shared.tokens.keys import private_key
from shared.tokens.minting import Minter


def console_api(wiring: Wiring) -> FastAPI:
    """Return the desk's HTTP app in a process of its own. Raises `SettingsError` without a key for its tokens."""
    if wiring.settings.caller_key is None:
        raise SettingsError("TONGYUAN_CALLER_KEY: must be set; the desk signs its tokens with it (deploy/secrets.sh)")
    key = private_key(wiring.settings.caller_key.get_secret_value(), "TONGYUAN_CALLER_KEY")
    return embedded_api(wiring, key, lambda: wiring.settings, demo=False)


def embedded_api(wiring: Wiring, key: Ed25519PrivateKey, at: Callable[[], Settings], *, demo: bool) -> FastAPI:
    """Return the desk's app with this key. `at` returns, when it is first needed, where the services answer."""
    services = Services(
        lambda service: client(at().url_for(service), tls=at().tls), lambda service: Minter(CONSOLE, key, service)
    )
    return api.make(
        Desk(wiring.database(CONSOLE), wiring.settings, services, demo, manifests.CHANNELS, channel_titles())
    )


def console_background(app: FastAPI, reachable: Callable[[], bool] = lambda: True) -> dict[str, Background]:
    """Return the desk's background work: sets that are under way, receipts, and its audit log's newest row.

    `reachable`: whether the other services have an address yet.
    """
    return {name: partial(one.run, reachable=reachable) for name, one in app.state.rounds.items()}


def channel_titles() -> dict[str, str]:
    """Return the Chinese title of each channel; its name if it has none."""
    titles = manifests.titles()
    return {name: titles[name][0] if name in titles else name for name in manifests.CHANNELS}


def callers_within(service: str, key: Ed25519PrivateKey) -> Callers:
    """Return the callers of a service of the embedded county: the desk and imports, with a key of this start."""
    return Callers(service, dict.fromkeys((CONSOLE, IMPORTING), (key.public_key(),)), manifests.permissions(service))
