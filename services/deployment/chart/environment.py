"""The environment of a container in the chart, made of the one that Compose has.

A required variable of `.env` is a key of a Secret: the container gets it by reference, and Kubernetes puts it into
other values where they say `$(NAME)`. A place with a default is a value of the chart, or fixed in a cluster.
"""

import re
from collections.abc import Iterator, Mapping

from services.deployment import values
from services.runtime import manifests

REFERENCE = re.compile(r"\$\{(?P<name>\w+)(?::-(?P<default>[^${}]*)|:\?[^}]*)\}")
PLACES = {
    "POSTGRES_HOST": "postgres.host",
    "POSTGRES_PORT": "postgres.port",
    "POSTGRES_DATABASE": "postgres.database",
    "RABBITMQ_HOST": "rabbitmq.host",
    "RABBITMQ_PORT": "rabbitmq.port",
    "RABBITMQ_TLS_PORT": "rabbitmq.tlsPort",
    "RABBITMQ_MANAGEMENT_PORT": "rabbitmq.managementPort",
    "RABBITMQ_MANAGEMENT_TLS_PORT": "rabbitmq.managementTlsPort",
}
"""Variable of `.env` → value of the chart. Services and folders have the same names and places in every cluster."""

OF_OPERATORS = frozenset(
    {values.key_variable(manifests.OPERATOR.name), f"RABBITMQ_PASSWORD_{manifests.TOPOLOGY.name.upper()}"}
)
"""Variables that grant everything. They stand in a Secret of their own, which no process has."""


def entries(plain: Mapping[str, str], encrypted: Mapping[str, str]) -> Iterator[str]:
    """Yield the entries of `env`. `encrypted`: the values that differ with TLS, and those that exist only with it."""
    known: set[str] = set()
    known_with_tls: set[str] = set()
    for name, value in plain.items():
        other = encrypted.get(name, value)
        if other.replace("https://", "http://") == value:
            said = value if other == value else value.replace("http://", "{{ $scheme }}://")
            yield from _entry(name, said, known)
            known_with_tls |= known
        else:
            yield "{{- if .Values.tls.enabled }}"
            yield from _entry(name, other, known_with_tls)
            yield "{{- else }}"
            yield from _entry(name, value, known)
            yield "{{- end }}"
    if added := {name: value for name, value in encrypted.items() if name not in plain}:
        yield "{{- if .Values.tls.enabled }}"
        for name, value in added.items():
            yield from _entry(name, value, known_with_tls)
        yield "{{- end }}"


def _entry(name: str, value: str, known: set[str]) -> Iterator[str]:
    """Yield an entry, after those of the secrets that its value contains and that are not `known` yet."""
    secrets = [found["name"] for found in REFERENCE.finditer(value) if found["default"] is None]
    if secrets and REFERENCE.fullmatch(value):
        yield _by_reference(name, secrets[0])
        return
    for secret in secrets:
        if secret not in known:
            known.add(secret)
            yield _by_reference(secret, secret)
    yield f'- {{name: {name}, value: "{REFERENCE.sub(_in_cluster, value)}"}}'


def _by_reference(name: str, key: str) -> str:
    secret = "operator" if key in OF_OPERATORS else "name"
    return (
        f'- {{name: {name}, valueFrom: {{secretKeyRef: {{name: "{{{{ .Values.secrets.{secret} }}}}", key: {key}}}}}}}'
    )


def _in_cluster(found: re.Match[str]) -> str:
    name, default = found["name"], found["default"]
    if default is None:
        return f"$({name})"
    return f"{{{{ .Values.{PLACES[name]} }}}}" if name in PLACES else str(default)
