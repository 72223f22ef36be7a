"""Common parts of all commands: terminal output, settings, and the client of a running county."""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn

import httpx
import orjson
import typer
from rich.console import Console
from rich.markup import escape

from services.importing.fields.notes import visible
from services.runtime.manifests import OPERATOR, SERVICES
from services.runtime.settings import load
from shared.config import Settings, SettingsError
from shared.errors import NotFound, Refused, TongyuanError, UpstreamDown
from shared.feeds.upstream import client
from shared.security.tls import reason
from shared.tokens.keys import private_key
from shared.tokens.minting import Minter, Token

PROBLEM, USAGE = 1, 2
ADDRESS_FILE = "address"
PATIENCE_SECONDS = 300
out = Console()
err = Console(stderr=True)

Json_ = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
BaseUrl = Annotated[str | None, typer.Option("--base-url", help="Address of the county, e.g. http://127.0.0.1:8080")]
DataDir = Annotated[Path | None, typer.Option("--data-dir", help="Data folder of a county started with `up`.")]


def settings(**overrides: Any) -> Settings:
    """Load the settings; a wrong one ends the command with its name and the reason."""
    try:
        return load(**overrides)
    except SettingsError as error:
        fail(str(error), USAGE)


def fail(message: str, code: int = PROBLEM) -> NoReturn:
    """End the command with a message on one line."""
    err.print(f"[bold red]✗[/] {plain(message)}", highlight=False, soft_wrap=True)
    raise typer.Exit(code)


def warn(lines: Iterable[str]) -> None:
    """Print notes for the operator to stderr, one per line."""
    for line in lines:
        err.print(f"[yellow]![/] {plain(line)}", highlight=False, soft_wrap=True)


def say(text: str) -> None:
    """Print one line of text, never wrapped. Text from outside must have gone through `plain`."""
    out.print(text, highlight=False, soft_wrap=True)


def plain(text: object) -> str:
    """Escape text from outside: brackets are no markup, and control characters cannot affect the terminal."""
    return escape(visible(str(text)))


def print_json(value: Any) -> None:
    """Print JSON for a script."""
    typer.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())


class RunningCounty:
    """Client of a running county. Raises `NotFound`, `Refused`, or `UpstreamDown`, each with its reason."""

    def __init__(self, config: Settings, base_url: str | None, token_for: Callable[[str], Token]) -> None:
        self.config, self._base_url, self._token_for = config, base_url, token_for
        self._clients: dict[str, httpx.Client] = {}

    def http(self, service: str) -> httpx.Client:
        """Return the client of one service, with the operator's token."""
        if service not in self._clients:
            self._clients[service] = client(self._url(service), self._token_for(service), self.config.tls)
        return self._clients[service]

    def get(self, service: str, path: str, **params: Any) -> Any:
        """GET `/<service>/v1/<path>` as JSON."""
        return self._request("GET", service, path, params=params)

    def ready(self, service: str) -> Any:
        """GET `/<service>/readyz` as JSON; gateways do not forward it, so it works inside the county only."""
        with self._reachable(service) as http:
            answer = http.get(f"/{service}/readyz")
            _require_success(service, answer)
            return answer.json()

    def post(self, service: str, path: str, content: Any = None) -> Any:
        """POST to `/<service>/v1/<path>`; return the answer as JSON."""
        return self._request("POST", service, path, json=content)

    def put(self, service: str, path: str, content: Any) -> Any:
        """PUT to `/<service>/v1/<path>`; return the answer as JSON."""
        return self._request("PUT", service, path, json=content)

    def delete(self, service: str, path: str) -> Any:
        """DELETE `/<service>/v1/<path>`; return the answer as JSON."""
        return self._request("DELETE", service, path)

    def stream(self, service: str, path: str) -> Iterator[Any]:
        """POST; yield the answer's JSON documents, one per line, as they arrive."""
        with (
            self._reachable(service) as http,
            http.stream("POST", f"/{service}/v1/{path}", timeout=None) as answer,
        ):
            if not answer.is_success:
                answer.read()
            _require_success(service, answer)
            yield from map(orjson.loads, answer.iter_lines())

    def close(self) -> None:
        """Close every connection."""
        for http in self._clients.values():
            http.close()

    def _request(self, method: str, service: str, path: str, **more: Any) -> Any:
        with self._reachable(service) as http:
            answer = http.request(method, f"/{service}/v1/{path}", timeout=PATIENCE_SECONDS, **more)
            _require_success(service, answer)
            return answer.json()

    @contextmanager
    def _reachable(self, service: str) -> Iterator[httpx.Client]:
        try:
            yield self.http(service)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            why = f"does not answer ({reason(error)}). Check that the county is running."
            raise UpstreamDown(f"{service} at {self._url(service)} {why}") from error
        except ValueError as error:
            raise UpstreamDown(
                f"{service} at {self._url(service)} answers without JSON. Check that it is a county."
            ) from error

    def _url(self, service: str) -> str:
        return self._base_url or self.config.url_for(service)


@contextmanager
def county(base_url: str | None = None, data_dir: Path | None = None) -> Iterator[RunningCounty]:
    """Yield the running county: at `base_url`, else where `up` with this data folder listens, else by the settings.

    An error ends the command with one line.
    """
    config = settings(data_dir=data_dir)
    found = base_url or _running_address(config)
    try:
        with closing(RunningCounty(config, found, _tokens(config))) as running:
            yield running
    except SettingsError as error:
        fail(str(error), USAGE)
    except TongyuanError as error:
        fail(str(error))


def _running_address(config: Settings) -> str | None:
    file = config.data_dir / ADDRESS_FILE
    configured = any(map(config.stated_url, SERVICES))
    return file.read_text(encoding="ascii").strip() if not configured and file.exists() else None


def _tokens(config: Settings) -> Callable[[str], Token]:
    """Return a function from service to token: signed by the operator's key, else an embedded county's admin token."""
    if config.operator_key:
        key = private_key(config.operator_key.get_secret_value(), "TONGYUAN_OPERATOR_KEY")
        return lambda service: Minter(OPERATOR.name, key, service)
    token = config.admin_token.get_secret_value() if config.admin_token else _stored_token(config)
    return lambda _service: token


def _stored_token(config: Settings) -> str:
    file = config.data_dir / "admin-token"
    return file.read_text(encoding="ascii").strip() if file.exists() and os.access(file, os.R_OK) else ""


def _require_success(service: str, answer: httpx.Response) -> None:
    if answer.is_success:
        return
    kind = NotFound if answer.status_code in (httpx.codes.NOT_FOUND, httpx.codes.GONE) else Refused
    raise kind(f"{service} answered {answer.status_code}: {_detail(answer)}")


def _detail(answer: httpx.Response) -> str:
    """Return the reasons in a problem document; the beginning of anything else."""
    try:
        body = answer.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        return answer.text[:200]
    reasons = [f"{e['field']}: {e['message']} [{e['rule']}]" for e in body.get("errors", [])]
    return "; ".join(reasons) or str(body.get("detail", body))[:500]
