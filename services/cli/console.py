"""What every command shares: the terminal, settings with a clear refusal, and the way to a running county."""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn

import httpx
import orjson
import typer
from rich.console import Console
from rich.markup import escape

from services.importing.notes import visible
from shared.config import SERVICES, Settings, SettingsError, load
from shared.errors import NotFound, Refused, TongyuanError, UpstreamDown
from shared.tls import reason
from shared.upstream import client

PROBLEM, USAGE = 1, 2
ADDRESS_FILE = "address"
PATIENCE_SECONDS = 300
out = Console()
err = Console(stderr=True)

Json_ = Annotated[bool, typer.Option("--json", help="One JSON document instead of text.")]
BaseUrl = Annotated[str | None, typer.Option("--base-url", help="Where the county answers, e.g. http://127.0.0.1:8080")]
DataDir = Annotated[Path | None, typer.Option("--data-dir", help="Data folder of a county started with `up`.")]


def settings(**overrides: Any) -> Settings:
    """The settings; a wrong one ends the command with its name and the reason."""
    try:
        return load(**overrides)
    except SettingsError as error:
        fail(str(error), USAGE)


def fail(message: str, code: int = PROBLEM) -> NoReturn:
    """End the command with one line, however long."""
    err.print(f"[bold red]✗[/] {plain(message)}", highlight=False, soft_wrap=True)
    raise typer.Exit(code)


def say(text: str) -> None:
    """One line for people, never broken; what stands in it from outside must have gone through `plain`."""
    out.print(text, highlight=False, soft_wrap=True)


def plain(text: object) -> str:
    """Text from outside: its brackets are no style, and its control characters cannot steer the terminal."""
    return escape(visible(str(text)))


def print_json(value: Any) -> None:
    """For a script."""
    typer.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())


class County:
    """A running county, service by service. Raises `NotFound`, `Refused`, or `UpstreamDown`, each with its reason."""

    def __init__(self, config: Settings, base_url: str | None, token: str) -> None:
        self.config, self._base_url, self._token = config, base_url, token
        self._clients: dict[str, httpx.Client] = {}

    def http(self, service: str) -> httpx.Client:
        """Client of one service, with the operator's token."""
        if service not in self._clients:
            self._clients[service] = client(self._url(service), self._token, self.config.tls)
        return self._clients[service]

    def get(self, service: str, path: str, **params: Any) -> Any:
        """GET `/<service>/v1/<path>` as JSON."""
        return self._sent("GET", service, path, params=params)

    def post(self, service: str, path: str, content: Any = None) -> Any:
        """POST likewise."""
        return self._sent("POST", service, path, json=content)

    def put(self, service: str, path: str, content: Any) -> Any:
        """PUT likewise."""
        return self._sent("PUT", service, path, json=content)

    def delete(self, service: str, path: str) -> Any:
        """DELETE likewise."""
        return self._sent("DELETE", service, path)

    def stream(self, service: str, path: str) -> Iterator[Any]:
        """POST whose answer is one JSON document a line, each as it comes."""
        with (
            self._reaching(service) as http,
            http.stream("POST", f"/{service}/v1/{path}", timeout=None) as answer,
        ):
            if not answer.is_success:
                answer.read()
            _require_success(service, answer)
            yield from map(orjson.loads, answer.iter_lines())

    def close(self) -> None:
        """Give every connection back."""
        for http in self._clients.values():
            http.close()

    def _sent(self, method: str, service: str, path: str, **more: Any) -> Any:
        with self._reaching(service) as http:
            answer = http.request(method, f"/{service}/v1/{path}", timeout=PATIENCE_SECONDS, **more)
            _require_success(service, answer)
            return answer.json()

    @contextmanager
    def _reaching(self, service: str) -> Iterator[httpx.Client]:
        try:
            yield self.http(service)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            why = f"does not answer ({reason(error)}). Is the county running?"
            raise UpstreamDown(f"{service} at {self._url(service)} {why}") from error
        except ValueError as error:
            raise UpstreamDown(f"{service} at {self._url(service)} answers, but no JSON. Is it a county?") from error

    def _url(self, service: str) -> str:
        return self._base_url or self.config.url_for(service)


@contextmanager
def county(base_url: str | None = None, data_dir: Path | None = None) -> Iterator[County]:
    """The running county: at `base_url`, else where `up` on this data folder said it listens, else by the settings.

    What goes wrong with it ends the command with one line.
    """
    config = settings(data_dir=data_dir)
    found = base_url or _running_address(config)
    try:
        with closing(County(config, found, _token(config))) as running:
            yield running
    except SettingsError as error:
        fail(str(error), USAGE)
    except TongyuanError as error:
        fail(str(error))


def _running_address(config: Settings) -> str | None:
    file = config.data_dir / ADDRESS_FILE
    configured = config.base_url or any(getattr(config, f"{service}_url") for service in SERVICES)
    return file.read_text(encoding="ascii").strip() if not configured and file.exists() else None


def _token(config: Settings) -> str:
    if config.admin_token:
        return config.admin_token.get_secret_value()
    file = config.data_dir / "admin-token"
    return file.read_text(encoding="ascii").strip() if file.exists() and os.access(file, os.R_OK) else ""


def _require_success(service: str, answer: httpx.Response) -> None:
    if answer.is_success:
        return
    kind = NotFound if answer.status_code in (httpx.codes.NOT_FOUND, httpx.codes.GONE) else Refused
    raise kind(f"{service} answered {answer.status_code}: {_detail(answer)}")


def _detail(answer: httpx.Response) -> str:
    """Reasons of a problem document; the beginning of anything else."""
    try:
        body = answer.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        return answer.text[:200]
    reasons = [f"{e['field']}: {e['message']} [{e['rule']}]" for e in body.get("errors", [])]
    return "; ".join(reasons) or str(body.get("detail", body))[:500]
