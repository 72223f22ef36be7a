"""The environment of each process, as its manifest requires it, with references to the variables of `.env`.

In Compose's notation: `${NAME:?why}` is required, `${NAME:-default}` is optional.
"""

from collections.abc import Iterator, Mapping

from services.runtime import manifests
from shared.manifest.model import WORKER_PORT, Process, Volume

UPGRADE = "run deploy/secrets.sh --missing .env >>.env"
HTTP_PORT = 8080
BROKER_TLS_PORT = "${RABBITMQ_TLS_PORT:-5671}"


def required(name: str, why: str = "") -> str:
    """Return a reference to a required variable."""
    return f"${{{name}:?{why}}}"


def optional(name: str, default: object) -> str:
    """Return a reference to a variable with a default."""
    return f"${{{name}:-{default}}}"


def environment(process: Process) -> dict[str, str]:
    """Return everything that the manifest gives to a process, in a readable order."""
    found = dict([_port(process)])
    for volume in process.volumes:
        found |= volume_settings(volume)
    found |= {_variable(secret): required(_variable(secret), UPGRADE) for secret in process.secrets}
    found |= {_variable(setting): optional(_variable(setting), "") for setting in process.stated}
    found |= {_variable(setting): optional(_variable(setting), value) for setting, value in process.preset.items()}
    if process.signs:
        found["TONGYUAN_CALLER_KEY"] = required(key_variable(process.name), UPGRADE)
    if not process.is_worker and (known := callers(process.service)):
        found["TONGYUAN_CALLERS"] = known
    found |= database(process.service)
    if process.broker:
        found["TONGYUAN_AMQP_URL"] = broker(process.service)
    return found | {name: value for call in process.calls for name, value in address(call.callee).items()}


def migrate() -> dict[str, str]:
    """Return the environment of the migration job: each service's tables with the service's own account."""
    found: dict[str, str] = {}
    for manifest in manifests.manifests().values():
        for volume in manifest.migrates_with:
            found |= volume_settings(volume)
    for service in manifests.SERVICES:
        found |= database(service)
    return found


def command_line() -> dict[str, str]:
    """Return an operator's environment: its key, every address, the broker's account that may do everything."""
    found = {"TONGYUAN_OPERATOR_KEY": required(key_variable(manifests.OPERATOR.name), UPGRADE)}
    for service in manifests.SERVICES:
        found |= address(service)
    found["TONGYUAN_PUBLIC_URL"] = optional("TONGYUAN_PUBLIC_URL", "")
    found["TONGYUAN_AMQP_URL"] = broker(manifests.TOPOLOGY.name)
    return found | {"TONGYUAN_BROKER_MANAGEMENT_URL": broker_management()}


def topology() -> dict[str, str]:
    """Return the environment of the topology job: the broker's account that may configure."""
    return {"TONGYUAN_AMQP_URL": broker(manifests.TOPOLOGY.name)}


def tls_of_job(plain: Mapping[str, str]) -> dict[str, str]:
    """Return what differs with TLS in the environment of a job or of the command line, without its folder."""
    found = {name: url.replace("http://", "https://") for name, url in plain.items() if url.startswith("http://")}
    if "TONGYUAN_AMQP_URL" in plain:
        found["TONGYUAN_AMQP_URL"] = f"amqps://{optional('RABBITMQ_HOST', 'rabbitmq')}:{BROKER_TLS_PORT}/%2F"
    if management := found.get("TONGYUAN_BROKER_MANAGEMENT_URL"):
        plain_port = optional("RABBITMQ_MANAGEMENT_PORT", 15672)
        found["TONGYUAN_BROKER_MANAGEMENT_URL"] = management.replace(
            plain_port, optional("RABBITMQ_MANAGEMENT_TLS_PORT", 15671)
        )
    return found


def callers(service: str) -> str:
    """Return the setting with the public keys of the callers that may call the service."""
    return ",".join(f"{name}+{required(public_variable(name))}" for name in manifests.permissions(service))


def database(service: str) -> dict[str, str]:
    """Return the setting of the service's database, with the account of its name."""
    password = required(f"POSTGRES_PASSWORD_{service.upper()}")
    place = f"{optional('POSTGRES_HOST', 'postgres')}:{optional('POSTGRES_PORT', 5432)}"
    url = f"postgresql://{service}:{password}@{place}/{optional('POSTGRES_DATABASE', 'tongyuan')}"
    return {f"TONGYUAN_{service.upper()}_DATABASE_URL": url}


def tls_environment(process: Process) -> dict[str, str]:
    """Return what differs with TLS: the folder, the addresses, and the broker, where the certificate is the account."""
    found = {"TONGYUAN_TLS_FOLDER": f"{optional('TLS_INSIDE', '/tls')}/{process.name}"}
    if process.broker:
        found["TONGYUAN_AMQP_URL"] = f"amqps://{optional('RABBITMQ_HOST', 'rabbitmq')}:{BROKER_TLS_PORT}/%2F"
    return found | {name: value for call in process.calls for name, value in address(call.callee, "https").items()}


def broker(account: str) -> str:
    """Return the broker's URL for an account."""
    place = f"{optional('RABBITMQ_HOST', 'rabbitmq')}:{optional('RABBITMQ_PORT', 5672)}"
    return f"amqp://{account}:{required(f'RABBITMQ_PASSWORD_{account.upper()}')}@{place}/%2F"


def broker_management() -> str:
    """Return the URL of the broker's management, with the account that makes accounts of integrators."""
    place = f"{optional('RABBITMQ_HOST', 'rabbitmq')}:{optional('RABBITMQ_MANAGEMENT_PORT', 15672)}"
    account = manifests.TOPOLOGY.name
    return f"http://{account}:{required(f'RABBITMQ_PASSWORD_{account.upper()}')}@{place}"


def address(service: str, scheme: str = "http") -> dict[str, str]:
    """Return the setting with another service's address."""
    name = service.upper()
    place = f"{optional(f'{name}_HOST', service)}:{optional(f'{name}_PORT', HTTP_PORT)}"
    return {f"TONGYUAN_{name}_URL": f"{scheme}://{place}"}


def volume_settings(volume: Volume) -> dict[str, str]:
    """Return the settings that name the volume's folder, or a file in it."""
    folder = optional(volume.variable, volume.place)
    return {_variable(name): f"{folder}/{file}" if file else folder for name, file in volume.settings.items()}


def key_variable(caller: str) -> str:
    """Return the variable of `.env` with a caller's private key."""
    return f"CALLER_KEY_{_upper(caller)}"


def public_variable(caller: str) -> str:
    """Return the variable of `.env` with a caller's public key."""
    return f"CALLER_PUBLIC_{_upper(caller)}"


def port_variable(process: Process) -> str:
    """Return the variable of `.env` with the port of a process."""
    return f"{_upper(process.name)}_PORT"


def database_accounts() -> Iterator[str]:
    """Yield every account at the database."""
    yield from manifests.SERVICES


def rendered(values: Mapping[str, str]) -> Iterator[str]:
    """Yield the values as lines of YAML."""
    yield from (f'{name}: "{value}"' for name, value in values.items())


def _port(process: Process) -> tuple[str, str]:
    if process.is_worker:
        return "TONGYUAN_METRICS_PORT", optional(port_variable(process), WORKER_PORT)
    return "TONGYUAN_PORT", optional(port_variable(process), HTTP_PORT)


def _variable(setting: str) -> str:
    return f"TONGYUAN_{setting.upper()}"


def _upper(name: str) -> str:
    return name.upper().replace("-", "_")
