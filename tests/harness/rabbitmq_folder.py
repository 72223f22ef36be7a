"""What a private RabbitMQ begins with: its ports, its name, its password and its configuration."""

import secrets
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# rabbitmqctl takes its own distribution port from this range; a server on one of them fails with eaddrinuse.
CTL_PORTS = range(35672, 35683)

LIMITS = {
    "disk_free_limit.absolute": "100MB",
    "vm_memory_high_watermark.absolute": "800MB",
    "raft.wal_max_size_bytes": "64000000",
}
"""Of a broker that has room."""


def new_state(heartbeat: int) -> dict[str, Any]:
    port, dist, epmd = _free_ports(3)
    return {
        "node": f"t{secrets.token_hex(4)}@localhost",
        "port": port,
        "dist": dist,
        "epmd": epmd,
        "epmd_pid": 0,
        "password": secrets.token_hex(8),
        "heartbeat": heartbeat,
    }


def write_configuration(folder: Path, state: dict[str, Any], limits: Mapping[str, str]) -> None:
    for name in ("home", "mnesia", "log"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "plugins").write_text("[].\n")
    (folder / "rabbitmq.conf").write_text(
        f"heartbeat = {state['heartbeat']}\n"
        "default_user = harness\n"
        f"default_pass = {state['password']}\n" + "".join(f"{name} = {value}\n" for name, value in limits.items())
    )


def _free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now, all different, none that rabbitmqctl might take."""
    ports: list[int] = []
    while len(ports) < count:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        if port not in ports and port not in CTL_PORTS:
            ports.append(port)
    return ports
