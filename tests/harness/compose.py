"""Reads and interpolates docker-compose.yml as Compose does, and runs its services as plain processes."""

import os
import re
import socket
import ssl
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from shared.security.tls import Tls
from shared.tokens.keys import private_key
from shared.tokens.minting import Minter, Token
from tests.harness.county import SOURCES, County, public_authorities
from tests.harness.ports import free_port

REPOSITORY = Path(__file__).resolve().parents[2]
FILE = REPOSITORY / "docker-compose.yml"
TLS_FILE = REPOSITORY / "docker-compose.tls.yml"
REPLACED = ("command", "entrypoint", "test")
ENTRYPOINT = "tongyuan"
NAME = re.compile(r"[_a-zA-Z][_a-zA-Z0-9]*")


class MissingVariableError(Exception):
    """`${NAME:?reason}` without a value."""


def interpolate(text: str, variables: Mapping[str, str]) -> str:
    """Interpolate as Compose does: `$$`, `$A`, `${A}`, `${A:-b}`, `${A-b}`, `${A:?why}`, `${A?why}`; defaults may nest.

    A name without value or default becomes empty. Raises `MissingVariableError`, and ValueError for an unclosed brace.
    """
    done, rest = "", text
    while "$" in rest:
        before, _, rest = rest.partition("$")
        done += before
        if rest.startswith("$"):
            done, rest = done + "$", rest[1:]
        elif rest.startswith("{"):
            inner, rest = _braces(rest)
            done += _substitute(inner, variables)
        elif name := NAME.match(rest):
            done, rest = done + variables.get(name.group(), ""), rest[name.end() :]
        else:
            done += "$"
    return done + rest


def load(variables: Mapping[str, str], *files: Path) -> dict[str, Any]:
    """Return the document, or several merged, with every value interpolated; keys are unchanged."""
    document: dict[str, Any] = {}
    for file in files or (FILE,):
        document = merge(document, raw(file))
    loaded: dict[str, Any] = _walk(document, variables)
    return loaded


def merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Merge two files as Compose does: maps are merged, lists joined, commands replaced."""
    merged = dict(below)
    for key, value in above.items():
        old = below.get(key)
        if isinstance(old, dict) and isinstance(value, dict):
            merged[key] = merge(old, value)
        elif isinstance(old, list) and key not in REPLACED:
            merged[key] = [*old, *value]
        else:
            merged[key] = value
    return merged


def raw(file: Path = FILE) -> dict[str, Any]:
    """Return the document as written."""
    document: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return document


def processes(document: Mapping[str, Any]) -> list[str]:
    """Return the services that are `tongyuan run NAME`; their name in the file must be NAME."""
    found = []
    for name, service in document["services"].items():
        command = service.get("command", [])
        if command[:1] == ["run"]:
            assert command == ["run", name], f"{name} runs {command}"
            found.append(name)
    return found


def native_ports(document: Mapping[str, Any]) -> dict[str, str]:
    """Return a free port for every variable by which the file sets where a process listens."""
    names = (variable for name in processes(document) for variable in _listening(document, name))
    return {name: str(free_port()) for name in names}


class ComposeCounty(County):
    """The file's services with exactly their commands, environments and health checks, without containers."""

    def __init__(
        self, folder: Path, variables: Mapping[str, str], tools: Sequence[Path] = (), files: Sequence[Path] = ()
    ) -> None:
        """`tools`: folders of the servers' programs, if not on PATH. `files`: by default the plain one."""
        super().__init__(folder, {})
        self._path = ":".join([str(Path(sys.executable).parent), *map(str, tools), os.environ["PATH"]])
        self.services: dict[str, Any] = load(variables, *files)["services"]
        self._variables = variables
        self._names = processes({"services": self.services})

    @property
    def names(self) -> list[str]:
        return self._names

    def token(self, service: str) -> Token:
        """Return a token: the admin token of `.env` for editors; an operator's token at every other service."""
        if service in SOURCES:
            return self._variables["TONGYUAN_ADMIN_TOKEN"]
        key = self.env_of("cli")["TONGYUAN_OPERATOR_KEY"]
        return Minter("operator", private_key(key, "TONGYUAN_OPERATOR_KEY"), service)

    def url(self, service: str) -> str:
        scheme = "https" if self.tls_of(service) else "http"
        return f"{scheme}://127.0.0.1:{self.services[service]['environment']['TONGYUAN_PORT']}"

    def tls_of(self, name: str) -> Tls | None:
        """Return the TLS identity of this service and the authority that it trusts."""
        folder = self.env_of(name).get("TONGYUAN_TLS_FOLDER")
        return Tls(Path(folder)) if folder else None

    def verify(self) -> ssl.SSLContext:
        own = self.tls_of("cli")
        return own.client() if own else public_authorities()

    def command(self, name: str) -> list[str]:
        service = self.services[name]
        return [*service.get("entrypoint", [ENTRYPOINT]), *service.get("command", [])]

    def env_of(self, name: str) -> dict[str, str]:
        """Return exactly the file's environment: a value that the file forgets must be missing here too."""
        own = self.services[name].get("environment", {})
        return {"PATH": self._path, **own}

    def job(self, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a service that ends by itself; `arguments` replace its command."""
        command = self.command(name)
        if arguments:
            command = [*self.services[name].get("entrypoint", [ENTRYPOINT]), *arguments]
        return self._run(command, self.env_of(name), timeout=120)

    def healthy(self, name: str, more: Mapping[str, str] | None = None) -> bool:
        """Run the service's health check once."""
        kind, *command = self.services[name]["healthcheck"]["test"]
        assert kind == "CMD", f"{name}: only checks without a shell run anywhere"
        return self._run(command, {**(more or {}), **self.env_of(name)}, timeout=120).returncode == 0

    def resident(self, name: str) -> int:
        """Return the bytes of memory that the process holds."""
        status = Path(f"/proc/{self.processes[name].pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert found, status
        return int(found.group(1)) * 1024

    def _ready(self, name: str) -> bool:
        # Check the port first: a health check starts a Python, and dozens of them would delay the start.
        return self._listens(name) and self.healthy(name)

    def _listens(self, name: str) -> bool:
        env = self.env_of(name)
        port = env.get("TONGYUAN_METRICS_PORT") or env["TONGYUAN_PORT"]
        with socket.socket() as knock:
            return knock.connect_ex(("127.0.0.1", int(port))) == 0

    def _run(self, command: list[str], env: Mapping[str, str], timeout: float) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=REPOSITORY, env=env, capture_output=True, text=True, timeout=timeout, check=False
        )


def _braces(text: str) -> tuple[str, str]:
    """Return the text within the brace at the start, and what follows."""
    depth = 0
    for place, character in enumerate(text):
        depth += {"{": 1, "}": -1}.get(character, 0)
        if depth == 0:
            return text[1:place], text[place + 1 :]
    raise ValueError(f"a brace is not closed: {text[:40]}")


def _substitute(inner: str, variables: Mapping[str, str]) -> str:
    name = NAME.match(inner)
    if name is None:
        raise ValueError(f"no name of a variable: {inner[:40]}")
    operator, rest = inner[name.end() : name.end() + 2], inner[name.end() + 2 :]
    if operator and operator[0] in "-?":
        operator, rest = operator[0], inner[name.end() + 1 :]
    elif operator not in ("", ":-", ":?"):
        raise ValueError(f"an operator that this file may not use: {inner[:40]}")
    value = variables.get(name.group())
    if value or (value is not None and not operator.startswith(":")):
        return value
    if operator.endswith("?"):
        raise MissingVariableError(f"{name.group()}: {interpolate(rest, variables)}")
    return interpolate(rest, variables)


def _walk(value: Any, variables: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _walk(inner, variables) for key, inner in value.items()}
    if isinstance(value, list):
        return [_walk(inner, variables) for inner in value]
    return interpolate(value, variables) if isinstance(value, str) else value


def _listening(document: Mapping[str, Any], name: str) -> list[str]:
    environment = document["services"][name]["environment"]
    asked = (environment.get(key, "") for key in ("TONGYUAN_PORT", "TONGYUAN_METRICS_PORT"))
    return [match.group(1) for value in asked if (match := re.match(r"\$\{(\w+):-\d+\}$", value))]
