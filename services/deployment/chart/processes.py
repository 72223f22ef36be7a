"""The generated sections of the chart's `_processes.tpl`: processes, jobs and volumes, as YAML."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from contracts.topology import CONSOLE, SUBSCRIPTIONS
from services.deployment import values
from services.deployment.chart.environment import entries
from services.runtime import manifests
from services.runtime.settings import CountySettings
from shared.manifest.model import WORKER_PORT, Process, Role, Volume

FILE = Path(__file__).parents[3] / "deploy" / "helm" / "tongyuan" / "templates" / "_processes.tpl"
VALUES = FILE.parent.parent / "values.yaml"
ORDER = (
    (Role.SUBSCRIPTIONS, False),
    (Role.CHANNEL, False),
    (Role.CHANNEL, True),
    (Role.LEDGER, True),
    (Role.LEDGER, False),
    (Role.SOURCE, True),
    (Role.SOURCE, False),
)
"""Role, and whether it is a worker: whom a channel asks gets a new version first, then who reads before who writes. All
others come last.
"""
BESIDE = ORDER.index((Role.CHANNEL, False)) + 1
"""The stage of processes of which a second one may run beside the first."""

LAST_STAGE = len(ORDER) + 1
BY_THE_CHART = frozenset(
    {
        *("region", "county", "review", "host", "callers", "tls_folder", "tls_listen"),
        *("base_url", "database_url", "service_token"),
    }
)
"""Settings that the chart gives by itself, or that a process of the production shape does not have."""


def sections() -> Mapping[str, Callable[[], Iterator[str]]]:
    """Return the function that yields the lines of each section, by name."""
    return {"processes": _processes, "jobs": _jobs, "claims": _claims}


def values_sections() -> Mapping[str, Callable[[], Iterator[str]]]:
    """Return the same for the chart's values.yaml."""
    return {"replicas": lambda: (f"{name}: 1" for name in manifests.CHANNELS)}


def stage(process: Process) -> int:
    """Return at which stage of an upgrade a process gets the new version, from 1."""
    place = (manifests.manifests()[process.service].role, process.is_worker)
    return ORDER.index(place) + 1 if place in ORDER else LAST_STAGE


def settings(process: Process) -> dict[str, str]:
    """Return the settings that the county's values may state, with the default of the manifest, if it has one."""
    shapes = CountySettings.model_json_schema()["properties"]
    given = values.environment(process)
    found = {}
    for name in sorted(process.reads - manifests.secrets() - BY_THE_CHART):
        variable = f"TONGYUAN_{name.upper()}"
        stated = name in process.stated or name in process.preset
        if stated or not (variable in given or _is_path(shapes[name]) or name == "admin_token_hash"):
            found[variable] = process.preset.get(name, "")
    return found


def callers(service: str) -> list[str]:
    """Return the processes that call a service."""
    return [one.name for one in manifests.processes() if any(call.callee == service for call in one.calls)]


def people(process: Process) -> list[str]:
    """Return who calls an HTTP process from outside the county's processes, beside readers and operators."""
    manifest = manifests.manifests()[process.service]
    if process.is_worker:
        return []
    found = [one.name for one in manifest.outsiders]
    return [*found, *(["editors"] if manifest.editors else []), *(["staff"] if process.service == CONSOLE else [])]


def is_public(process: Process) -> bool:
    """Whether the public gateway forwards to it."""
    return process.name in (*manifests.CHANNELS, "ledger", SUBSCRIPTIONS)


def _processes() -> Iterator[str]:
    for process in manifests.processes():
        yield f"{process.name}:"
        yield from (f"  {line}" for line in _process(process))


def _process(process: Process) -> Iterator[str]:
    lasting = any(volume.writable for volume in process.volumes)
    at = stage(process)
    yield f"kind: {'StatefulSet' if lasting else 'Deployment'}"
    yield f"stage: {at}"
    # A second process of a channel may run beside the first, and readers notice nothing.
    yield f"beside: {_yaml(at == BESIDE)}"
    yield f"worker: {_yaml(process.is_worker)}"
    yield f"port: {WORKER_PORT if process.is_worker else values.HTTP_PORT}"
    yield f"memory: {process.memory.upper()}i"
    yield f"calls: [{', '.join(dict.fromkeys(call.callee for call in process.calls))}]"
    yield f"callers: [{', '.join([] if process.is_worker else callers(process.service))}]"
    yield f"people: [{', '.join(people(process))}]"
    yield f"public: {_yaml(is_public(process))}"
    yield f"broker: {_yaml(process.broker)}"
    yield f'outside: "{process.outside}"'
    yield from _volumes(process.volumes)
    yield "settings:"
    yield from (f'  {name}: "{default}"' for name, default in settings(process).items())
    yield "env:"
    own = {name: value for name, value in values.environment(process).items() if name not in settings(process)}
    yield from (f"  {line}" for line in entries(own, values.tls_environment(process)))


def _jobs() -> Iterator[str]:
    commands = {"migrate": values.migrate(), "topology": values.topology(), "cli": values.command_line()}
    for name, environment in commands.items():
        yield f"{name}:"
        used = [volume for one in manifests.manifests().values() for volume in one.migrates_with]
        yield from (f"  {line}" for line in _volumes(tuple(used) if name == "migrate" else ()))
        stated = [key for key, value in environment.items() if value == values.optional(key, "")]
        yield "  settings:"
        yield from (f'    {key}: ""' for key in stated)
        yield "  env:"
        encrypted = {"TONGYUAN_TLS_FOLDER": f"/tls/{name}"} | values.tls_of_job(environment)
        own = {key: value for key, value in environment.items() if key not in stated}
        yield from (f"    {line}" for line in entries(own, encrypted))


def _claims() -> Iterator[str]:
    """Yield each volume that outlives a process, and whether several processes mount it."""
    users: dict[str, int] = {}
    for process in manifests.processes():
        for volume in process.volumes:
            if not volume.host:
                users[volume.name] = users.get(volume.name, 0) + 1
    yield from (f"{name}: {{shared: {_yaml(number > 1)}}}" for name, number in users.items())


def _volumes(volumes: tuple[Volume, ...]) -> Iterator[str]:
    yield "volumes:"
    for one in volumes:
        kind = "configMap" if one.host else "claim"
        yield f"  - {{name: {one.name}, path: {one.place}, kind: {kind}, readOnly: {_yaml(not one.writable)}}}"


def _is_path(shape: Mapping[str, object]) -> bool:
    return '"path"' in str(shape).replace("'", '"')


def _yaml(value: bool) -> str:
    return "true" if value else "false"
