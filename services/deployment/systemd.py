"""Environment files for deploy/systemd: one per process, with only what its manifest gives it.

The values come from `.env`. On one machine without containers each process has its own port, and a folder of its own
below /var/lib/tongyuan, which systemd creates.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from services.deployment import values
from services.runtime import manifests
from shared.errors import SettingsError
from shared.manifest.model import Process
from shared.security.secret_files import replace_secret

FIRST_WORKER_PORT = 9101
COMMON = ("TONGYUAN_REGION", "TONGYUAN_COUNTY", "TONGYUAN_REVIEW", "TONGYUAN_LOG_LEVEL")
SHARED = """[Service]
User=tongyuan-{owner}
StateDirectory=
StateDirectory=tongyuan/{owner}
"""
VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?::-(?P<default>[^${}]*)|:\?[^}]*)\}")


def write(variables: Mapping[str, str], folder: Path) -> list[Path]:
    """Write `<process>.env` for every process, and `cli.env` for operators, each with mode 0600. Raises
    `SettingsError`.

    `units/`: drop-ins for the systemd folder, where a worker shares files with its service's HTTP process.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    made = {process.name: _of_process(process, variables) for process in manifests.processes()}
    made["cli"] = _filled(values.command_line(), {**_places(), **variables}) | _common(variables)
    units = {one.name: SHARED.format(owner=_owner(one)) for one in manifests.processes() if _owner(one) != one.name}
    files = {folder / f"{name}.env": content for name, content in made.items()}
    for name, unit in units.items():
        file = folder / "units" / f"tongyuan@{name}.service.d" / "shared.conf"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(unit, encoding="utf-8")
    for file, content in files.items():
        replace_secret(file, "".join(f"{name}={value}\n" for name, value in content.items()).encode())
    return list(files)


def read(file: Path) -> dict[str, str]:
    """Return the variables of a `.env` file."""
    lines = (line.strip() for line in file.read_text(encoding="utf-8").splitlines())
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name: value.strip("\"'") for name, _, value in pairs}


def ports() -> dict[str, int]:
    """Return the port of each process on one machine."""
    found: dict[str, int] = {}
    worker_port = FIRST_WORKER_PORT
    for process in manifests.processes():
        found[process.name] = process.published or worker_port
        worker_port += process.is_worker
    return found


def _of_process(process: Process, variables: Mapping[str, str]) -> dict[str, str]:
    folders = {volume.variable: f"/var/lib/tongyuan/{_owner(process)}" for volume in process.volumes}
    trusted = {} if process.is_worker else {"FORWARDED_ALLOW_IPS": variables.get("TRUSTED_PROXY", "127.0.0.1")}
    filled = _filled(values.environment(process), {**_places(), **folders, **variables})
    return {**_common(variables), **trusted, **filled, **_of_this_machine(process, variables)}


def _of_this_machine(process: Process, variables: Mapping[str, str]) -> dict[str, str]:
    """Return the settings of folders that belong to the machine and are read in their place; empty: not given."""
    named = [(volume, name) for volume in process.volumes if volume.host for name in volume.settings]
    return {f"TONGYUAN_{name.upper()}": variables.get(volume.host, "") for volume, name in named}


def _owner(process: Process) -> str:
    """Return the process whose folder is used: its own, or the HTTP process's when both need the same files."""
    http = manifests.process(process.service)
    own = [volume for volume in process.volumes if not volume.host]
    return http.name if any(volume in http.volumes for volume in own) else process.name


def _common(variables: Mapping[str, str]) -> dict[str, str]:
    for name in COMMON[:2]:
        if not variables.get(name):
            raise SettingsError(f"{name}: is missing; deploy/secrets.sh REGION COUNTY >.env states it")
    return {name: variables[name] for name in COMMON if variables.get(name)}


def _places() -> dict[str, str]:
    """Return the default hosts and ports: this machine, with a port for each process."""
    found = {"POSTGRES_HOST": "127.0.0.1", "RABBITMQ_HOST": "127.0.0.1"}
    here = ports()
    for process in manifests.processes():
        found[f"{process.service.upper()}_HOST"] = "127.0.0.1"
        found[values.port_variable(process)] = str(here[process.name])
    return found


def _filled(wanted: Mapping[str, str], variables: Mapping[str, str]) -> dict[str, str]:
    def value(found: re.Match[str]) -> str:
        name, default = found["name"], found["default"]
        given = variables.get(name) or default
        if given is None:
            raise SettingsError(f"{name}: is missing; {values.UPGRADE}")
        return given

    return {name: VARIABLE.sub(value, template) for name, template in wanted.items()}
