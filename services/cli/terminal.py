"""Common parts of all commands: terminal output, settings, and the client of a running county."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
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
from shared import failures
from shared.config import Settings, SettingsError
from shared.errors import Conflict, NotFound, Refused, TongyuanError, UpstreamDown
from shared.feeds.upstream import client
from shared.security.tls import reason
from shared.tokens.keys import private_key
from shared.tokens.minting import Minter, Token

PROBLEM, USAGE = failures.PROBLEM, failures.USAGE
ADDRESS_FILE, TOKEN_FILE = "address", "admin-token"
WITH_ANOTHER = "name the county's own data folder with --data-dir, or set TONGYUAN_ADMIN_TOKEN or TONGYUAN_OPERATOR_KEY"
PATIENCE_SECONDS = 300
_KINDS: Mapping[int, type[Refused]] = {
    httpx.codes.NOT_FOUND: NotFound,
    httpx.codes.GONE: NotFound,
    # What was sent is not taken; a command that sends several things goes on with the next.
    httpx.codes.CONFLICT: Conflict,
    httpx.codes.UNPROCESSABLE_ENTITY: Conflict,
}
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


def words(error: Exception) -> str:
    """Return an error as one sentence with file, setting and remedy."""
    return failures.sentence(error) or " ".join(str(error).split())


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


def print_list(found: Sequence[Any], line: Callable[[Any], str], nothing: str, *, as_json: bool) -> None:
    """Print one line each, or `nothing` for an empty list; with `as_json` the list itself."""
    if as_json:
        print_json(found)
        return
    for one in found:
        say(line(one))
    if not found:
        say(nothing)


@dataclass(frozen=True, slots=True)
class Access:
    """Where a county is reached and with which token, and the option, setting or file that each comes from."""

    base_url: str | None
    found_at: str
    token_for: Callable[[str], Token]
    token_from: str


class RunningCounty:
    """Client of a running county. Raises `NotFound`, `Refused`, or `UpstreamDown`, each with its reason."""

    def __init__(self, config: Settings, access: Access) -> None:
        self.config, self._access = config, access
        self._clients: dict[str, httpx.Client] = {}

    def http(self, service: str) -> httpx.Client:
        """Return the client of one service, with the operator's token."""
        if service not in self._clients:
            self._clients[service] = client(self._url(service), self._access.token_for(service), self.config.tls)
        return self._clients[service]

    def get(self, service: str, path: str, **params: Any) -> Any:
        """GET `/<service>/v1/<path>` as JSON."""
        return self._request("GET", service, path, params=params)

    def ready(self, service: str) -> Any:
        """GET `/<service>/readyz` as JSON; gateways do not forward it, so it works inside the county only."""
        with self._reachable(service) as http:
            answer = http.get(f"/{service}/readyz")
            self._require_success(service, answer)
            return answer.json()

    def get_public(self, service: str, path: str, **params: Any) -> Any:
        """`get` without a token: what anybody may see now."""
        return self._request("GET", service, path, params=params, auth=None)

    def upload(self, service: str, path: str, chunks: Iterable[bytes], **params: str) -> Any:
        """POST bytes, as they come, to `/<service>/v1/<path>`; return the answer as JSON."""
        return self._request("POST", service, path, content=chunks, params=params)

    def post(self, service: str, path: str, content: Any = None) -> Any:
        """POST to `/<service>/v1/<path>`; return the answer as JSON."""
        return self._request("POST", service, path, json=content)

    def put(self, service: str, path: str, content: Any) -> Any:
        """PUT to `/<service>/v1/<path>`; return the answer as JSON."""
        return self._request("PUT", service, path, json=content)

    def delete(self, service: str, path: str) -> Any:
        """DELETE `/<service>/v1/<path>`; return the answer as JSON, or None for an answer without content."""
        return self._request("DELETE", service, path)

    def stream(self, service: str, path: str) -> Iterator[Any]:
        """POST; yield the answer's JSON documents, one per line, as they arrive."""
        with (
            self._reachable(service) as http,
            http.stream("POST", f"/{service}/v1/{path}", timeout=None) as answer,
        ):
            if not answer.is_success:
                answer.read()
            self._require_success(service, answer)
            yield from map(orjson.loads, answer.iter_lines())

    def close(self) -> None:
        """Close every connection."""
        for http in self._clients.values():
            http.close()

    def _request(self, method: str, service: str, path: str, **more: Any) -> Any:
        with self._reachable(service) as http:
            answer = http.request(method, f"/{service}/v1/{path}", timeout=PATIENCE_SECONDS, **more)
            self._require_success(service, answer)
            return None if answer.status_code == httpx.codes.NO_CONTENT else answer.json()

    @contextmanager
    def _reachable(self, service: str) -> Iterator[httpx.Client]:
        try:
            yield self.http(service)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise UpstreamDown(
                f"{service} at {self._url(service)} does not answer ({reason(error)}). The address is that of "
                f"{self._access.found_at}. Check that the county is running, or name its address with --base-url"
            ) from error
        except ValueError as error:
            raise UpstreamDown(
                f"{service} at {self._url(service)} answers without JSON. Check that it is a county."
            ) from error

    def _url(self, service: str) -> str:
        return self._access.base_url or self.config.url_for(service)

    def _require_success(self, service: str, answer: httpx.Response) -> None:
        if answer.is_success:
            return
        said = f"{service} answered {answer.status_code}: {_detail(answer)}"
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            said += f" (the token was {self._access.token_from}): {WITH_ANOTHER}"
        elif answer.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
            said += " Its log says why; see also `tongyuan doctor`."
        elif answer.status_code == httpx.codes.FORBIDDEN:
            said += f" (the token was {self._access.token_from}): use one that has this right (`tongyuan token`)"
        raise _KINDS.get(answer.status_code, Refused)(said)


@contextmanager
def county(
    base_url: str | None = None, data_dir: Path | None = None, own: tuple[str, str] | None = None
) -> Iterator[RunningCounty]:
    """Yield the running county: at `base_url`, else where `up` with this data folder listens, else by the settings.

    `own`: a token to use for everything, and where it comes from. An error ends the command with one line.
    """
    config = settings(data_dir=data_dir)
    try:
        found = access(config, base_url)
        if own is not None:
            found = replace(found, token_for=lambda _service: own[0], token_from=own[1])
        with closing(RunningCounty(config, found)) as running:
            yield running
    except SettingsError as error:
        fail(str(error), USAGE)
    except TongyuanError as error:
        fail(str(error))


def access(config: Settings, base_url: str | None = None) -> Access:
    """Return how the command line reaches a county. Raises `SettingsError` for a file that it may not read."""
    token_for, token_from = _token(config)
    if base_url:
        return Access(base_url, "--base-url", token_for, token_from)
    file = config.data_dir / ADDRESS_FILE
    if any(map(config.stated_url, SERVICES)):
        return Access(None, "TONGYUAN_BASE_URL or TONGYUAN_<SERVICE>_URL", token_for, token_from)
    if (address := _content(file)) is not None:
        return Access(address, f"{file}, which `tongyuan up` writes", token_for, token_from)
    usual = f"TONGYUAN_HOST and TONGYUAN_PORT, as no `tongyuan up` has left its address in {file}"
    return Access(None, usual, token_for, token_from)


def _token(config: Settings) -> tuple[Callable[[str], Token], str]:
    """Return a function from service to token, and its origin: the operator's key, else an embedded county's token."""
    if config.operator_key:
        key = private_key(config.operator_key.get_secret_value(), "TONGYUAN_OPERATOR_KEY")
        return lambda service: Minter(OPERATOR.name, key, service), "signed with TONGYUAN_OPERATOR_KEY"
    if config.admin_token:
        token = config.admin_token.get_secret_value()
        return lambda _service: token, "that of TONGYUAN_ADMIN_TOKEN"
    file = config.data_dir / TOKEN_FILE
    stored = _content(file)
    whence = f"that of {file}" if stored else f"none, as {file} {'is empty' if stored == '' else 'does not exist'}"
    return lambda _service: stored or "", whence


def _content(file: Path) -> str | None:
    """Return a small file's text; None when there is none. Raises `SettingsError` when it may not be read."""
    try:
        return file.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        why = words(error) if isinstance(error, OSError) else f"{file} is not text"
        raise SettingsError(f"{why}; or set TONGYUAN_ADMIN_TOKEN and --base-url") from error


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
