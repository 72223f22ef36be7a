"""The initial folder of a private RabbitMQ: ports, name, password and configuration."""

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.harness.ports import free_port

LIMITS = {
    "disk_free_limit.absolute": "100MB",
    "vm_memory_high_watermark.absolute": "800MB",
    "raft.wal_max_size_bytes": "64000000",
}
"""For a broker with enough room."""


def new_state(heartbeat: int) -> dict[str, Any]:
    return {
        "node": f"t{secrets.token_hex(4)}@localhost",
        "port": free_port(),
        "dist": free_port(),
        "epmd": free_port(),
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
