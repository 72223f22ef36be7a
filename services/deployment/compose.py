"""The generated sections of docker-compose.yml and docker-compose.tls.yml; the rest is written by hand."""

from collections.abc import Callable, Iterator, Mapping

from services.deployment import values
from services.runtime import manifests
from shared.manifest.model import HTTP_MEMORY, WORKER_MEMORY, Process, Volume


def sections() -> Mapping[str, Callable[[], Iterator[str]]]:
    """Return the function that yields the lines of each section, by name."""
    return {
        "broker passwords": _broker_passwords,
        "database passwords": _database_passwords,
        "migrate": lambda: values.rendered(values.migrate()),
        "migrate volumes": _migrate_volumes,
        "command line": lambda: values.rendered(values.command_line()),
        "http processes": lambda: _processes(of_workers=False),
        "workers": lambda: _processes(of_workers=True),
    }


def tls_sections() -> Mapping[str, Callable[[], Iterator[str]]]:
    """Return the same for docker-compose.tls.yml."""
    return {"addresses": _tls_addresses, "processes": _tls_processes}


def _tls_addresses() -> Iterator[str]:
    for service in manifests.SERVICES:
        yield from values.rendered(values.address(service, "https"))


def _tls_processes() -> Iterator[str]:
    for number, process in enumerate(manifests.processes()):
        if number:
            yield ""
        yield f"{process.name}:"
        yield f'  volumes: ["{values.optional("TLS_FOLDER", "./tls")}/{process.name}:/tls/{process.name}:ro"]'
        yield "  environment:"
        yield from (f"    {line}" for line in values.rendered(values.tls_environment(process)))


def _broker_passwords() -> Iterator[str]:
    for account in manifests.accounts():
        name = f"RABBITMQ_PASSWORD_{account.name.upper()}"
        yield f'{name}: "{values.required(name)}"'


def _database_passwords() -> Iterator[str]:
    for account in values.database_accounts():
        name = f"POSTGRES_PASSWORD_{account.upper()}"
        yield f'{name}: "{values.required(name)}"'


def _migrate_volumes() -> Iterator[str]:
    for manifest in manifests.manifests().values():
        yield from (f'- "{_mounted(volume)}"' for volume in manifest.migrates_with)


def _processes(*, of_workers: bool) -> Iterator[str]:
    for number, process in enumerate(one for one in manifests.processes() if one.is_worker == of_workers):
        if number:
            yield ""
        yield from _process(process)


def _process(process: Process) -> Iterator[str]:
    kind, usual = ("worker", WORKER_MEMORY) if process.is_worker else ("http", HTTP_MEMORY)
    yield f"{process.name}:" + (f" # {process.about}" if process.about else "")
    yield f"  <<: *{kind}"
    yield f"  command: [run, {process.name}]"
    if process.memory != usual:
        yield f"  mem_limit: {process.memory}"
    if process.published:
        port = values.optional(values.port_variable(process), values.HTTP_PORT)
        yield f'  ports: ["${{PUBLISH:-127.0.0.1}}:{process.published}:{port}"]'
    if process.volumes:
        mounted = (f'"{_mounted(volume)}"' for volume in process.volumes)
        yield f"  volumes: [{', '.join(mounted)}]"
    yield "  environment:"
    yield "    <<: *county" if process.is_worker else "    <<: *served"
    yield from (f"    {line}" for line in values.rendered(values.environment(process)))
    yield f"  depends_on: *{'prepared' if process.waits_for_broker else 'migrated'}"


def _mounted(volume: Volume) -> str:
    where = values.optional(volume.host, volume.name) if volume.host else volume.name
    return f"{where}:{values.optional(volume.variable, volume.place)}{'' if volume.writable else ':ro'}"
