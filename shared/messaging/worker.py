"""Runs a nameko service as a process of its own: its configuration, its signals and its end."""

import signal
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import structlog
from nameko.containers import ServiceContainer

from shared.messaging.consumer import HEARTBEAT_SECONDS
from shared.messaging.eventlet_patch import eventlet, is_patched
from shared.security.tls import Tls, require_for_broker, uses_certificate

_log = structlog.get_logger(__name__)


def worker_config(
    url: str,
    *,
    name: str = "tongyuan.worker",
    heartbeat: int = HEARTBEAT_SECONDS,
    tls: Tls | None = None,
    watched: Sequence[str] = (),
) -> dict[str, Any]:
    """Return the nameko configuration of a worker; `name` appears in the broker's list of connections.

    `watched`: queues whose consumers and messages its metrics tell.

    Raises `SettingsError` for an `amqps` address without `tls`.
    """
    require_for_broker(url, tls)
    secured = tls is not None and url.startswith("amqps:")
    return {
        "AMQP_SSL": tls.amqp_options(urlsplit(url).hostname or "") if tls and secured else None,
        "LOGIN_METHOD": "EXTERNAL" if secured and uses_certificate(url) else None,
        "AMQP_URI": url,
        "HEARTBEAT": heartbeat,
        "TRANSPORT_OPTIONS": {"client_properties": {"connection_name": name}},
        # More than any service has queues and timers, so that a waiting batch blocks no other.
        "max_workers": 20,
        "WATCHED_QUEUES": tuple(watched),
    }


def run_worker(
    service_class: type,
    url: str,
    *,
    heartbeat: int = HEARTBEAT_SECONDS,
    tls: Tls | None = None,
    watched: Sequence[str] = (),
) -> None:
    """Run the service until SIGTERM or SIGINT. The current batch is finished, the rest stays in the queue.

    The process must be patched first (`shared.messaging.eventlet_patch.patch`). Raises SystemExit(1) when the service
    container stops on its own.
    """
    if not is_patched():
        raise RuntimeError("call shared.messaging.eventlet_patch.patch() before anything else is imported")
    name = f"tongyuan.{service_class.name}"  # type: ignore[attr-defined]
    config = worker_config(url, name=name, heartbeat=heartbeat, tls=tls, watched=watched)
    container = ServiceContainer(service_class, config)
    asked: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _frame: asked.append(received))
    container.start()
    life = eventlet.spawn(container.wait)
    # A signal handler cannot wake eventlet's hub, so poll.
    while not asked and not life.dead:
        eventlet.sleep(0.1)
    try:
        if asked:
            container.stop()
        life.wait()
    except Exception as error:
        _log.critical("worker.died", service=service_class.__name__, exc_info=True)
        raise SystemExit(1) from error
