"""`up`: run the whole county in one process."""

import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from services.cli import terminal
from services.runtime.manifests import titles
from shared import log
from shared.config import EXAMPLE_REGION, Settings, SettingsError
from shared.county.identity import Identity
from shared.errors import TongyuanError, Unavailable
from shared.process_memory import TRIM_SECONDS, bound_arenas, freeze_what_is_loaded, give_back
from shared.web.callers import authority

if TYPE_CHECKING:
    from services.runtime.pages.landing_page import ShownReceipt


def up(
    data_dir: Annotated[Path | None, typer.Option(help="Folder for databases, key and token.")] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port; 0: any free one.")] = None,
    demo: Annotated[
        bool, typer.Option(help="Start the fictional county with advancing cases; otherwise a new county starts empty.")
    ] = False,
) -> None:
    """Run the whole county in this process: SQLite, no broker, nothing to install. Ctrl-C stops it."""
    bound_arenas()
    config = terminal.settings(data_dir=data_dir, host=host, port=port)
    log.configure("up", config.log_level, human=terminal.err.is_terminal)
    try:
        _run(config, demo=demo)
    except SettingsError as error:
        terminal.fail(str(error), terminal.USAGE)
    except TongyuanError as error:
        terminal.fail(str(error))


def _run(config: Settings, *, demo: bool) -> None:
    from services.operations.backups.file_swap import resume_restore  # noqa: PLC0415  # heavy; other commands need not wait for it
    from services.runtime.assembly.front import front  # noqa: PLC0415  # likewise
    from services.runtime.auditor import at_one_address, auditing  # noqa: PLC0415  # heavy; other commands need not wait for it
    from services.runtime.embedded import Embedded  # noqa: PLC0415  # likewise
    from services.runtime.pages.error_pages import error_pages  # noqa: PLC0415  # likewise
    from services.runtime.pages.landing_page import make_root  # noqa: PLC0415  # likewise
    from shared.security.certificate_watch import watching  # noqa: PLC0415  # likewise
    from shared.timers import periodically  # noqa: PLC0415  # likewise
    from shared.web.limits import Limits  # noqa: PLC0415  # likewise
    from shared.web.server.process import Threads, mount, serve  # noqa: PLC0415  # likewise

    resume_restore(config.data_dir)
    county = Embedded(config, demo=demo)
    terminal.warn(county.tightened.lines(config.data_dir))
    try:
        apis, work = county.apis(), county.background()
        receipts: Callable[[], Sequence[ShownReceipt]] | None = list if county.county.demo else None
        with _listening(config) as (sock, address):
            county.address = address
            county.reconcile()
            if demo:
                from services.demo.life import Life  # noqa: PLC0415  # likewise

                life = Life(county.wiring)
                life.settle()
                work["demo"] = life.run
                receipts = lambda: life.receipts  # noqa: E731  # read when asked for: each round has its own
            work |= auditing(county.wiring, at_one_address(county.settings, address)) | watching(config.tls)
            work["memory"] = periodically(TRIM_SECONDS, give_back, name="memory")
            pages = county.wiring.ledger_pages()
            app = front(
                mount({**apis, **pages}, make_root(county.settings, county.numbers, receipts)), county.channels, apis
            )
            freeze_what_is_loaded()
            tls = config.tls.server() if config.tls else None
            greet = partial(_print_banner, address, config, county.county, county.first_password, cases_advance=demo)
            errors = partial(error_pages, county=county.settings.county)
            serve(app, sock, Threads(work), greet, tls, Limits.of(config), errors)
    finally:
        county.close()


@contextmanager
def _listening(config: Settings) -> Iterator[tuple[socket.socket, str]]:
    """Yield the bound socket and its address, which is in the data folder meanwhile for other commands."""
    from shared.web.server.process import listen  # noqa: PLC0415  # likewise

    try:
        sock = listen(config.host, config.port)
    except Unavailable as error:
        raise Unavailable(f"{error}; --port 0 takes any free one") from error
    scheme = "https" if config.tls and config.tls.server() else "http"
    address = f"{scheme}://{authority(config.host, sock.getsockname()[1])}"
    file = config.data_dir / terminal.ADDRESS_FILE
    file.write_text(address, encoding="ascii")
    try:
        yield sock, address
    finally:
        file.unlink(missing_ok=True)


def _data_dir_option(config: Settings) -> str:
    """Return the option with which the command line finds the token, if it is needed."""
    usual = config.admin_token or config.data_dir == Settings.model_fields["data_dir"].default
    return "" if usual else f" --data-dir {terminal.plain(config.data_dir)}"


def _print_banner(
    address: str, config: Settings, county: Identity, first_password: str | None, *, cases_advance: bool
) -> None:
    token = config.data_dir / "admin-token" if not config.admin_token else "the value of TONGYUAN_ADMIN_TOKEN"
    lines = [
        f"[bold]同源 Tongyuan[/] · {terminal.plain(county.title)} · one source, every channel",
        "",
        *(f"  {title:<17}  {address}/{name}/" for name, (_, title) in titles().items()),
        f"  desk of the staff  {address}/console/",
        f"  ledger head        {address}/ledger/v1/head",
        f"  live stream        {address}/web/v1/stream",
        f"  metrics            {address}/metrics",
        "",
        f"  token for writing  {terminal.plain(token)}",
        f"  check it with       tongyuan verify --base-url {address}{_data_dir_option(config)}",
    ]
    if first_password is not None:
        lines += [
            f"  first sign-in       admin, password {first_password}: for one sign-in within 7 days, shown only now",
            "                      lost it? tongyuan user reset-password admin",
        ]
    if cases_advance:
        lines.append("  demo: cases advance by themselves; look one up with the receipts at /demo/")
    elif county.demo:
        lines.append("  演示: a demonstration with fictional data; its cases advance only with --demo")
    elif county.region == EXAMPLE_REGION:
        lines.append("  this is the example county: start a real one with TONGYUAN_REGION and TONGYUAN_COUNTY")
    elif county.county is None:
        lines.append("  TONGYUAN_COUNTY is not set: pages show the region's code instead of a name")
    for line in lines:
        terminal.say(line)
