"""`up`: the whole county in one process."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from services.cli import console
from shared import log
from shared.config import Settings, SettingsError
from shared.errors import TongyuanError, Unavailable


def up(
    data_dir: Annotated[Path | None, typer.Option(help="Where databases, key and token are kept.")] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port; 0: any free one.")] = None,
    demo: Annotated[
        bool, typer.Option(help="Fill an empty county with a fictional one, and let its cases move.")
    ] = True,
) -> None:
    """Run the whole county in this process: SQLite, no broker, nothing to install. Ctrl-C stops it."""
    config = console.settings(data_dir=data_dir, host=host, port=port)
    log.configure("up", config.log_level, human=console.err.is_terminal)
    try:
        _run(config, demo=demo)
    except SettingsError as error:
        console.fail(str(error), console.USAGE)
    except TongyuanError as error:
        console.fail(str(error))


def _run(config: Settings, *, demo: bool) -> None:
    from services.auditing import at_one_address, auditing  # noqa: PLC0415  # heavy; other commands need not wait for it
    from services.embedded import Embedded  # noqa: PLC0415  # likewise
    from services.parts import front  # noqa: PLC0415  # likewise
    from services.root import make_root  # noqa: PLC0415  # likewise
    from services.swap import resume_restore  # noqa: PLC0415  # heavy; other commands need not wait for it
    from shared.serve import Threads, mount, serve  # noqa: PLC0415  # likewise
    from shared.tls_watch import watching  # noqa: PLC0415  # likewise

    resume_restore(config.data_dir)
    county = Embedded(config)
    try:
        apis, work = county.apis(), county.background()
        receipts = None
        with _listening(config) as (sock, address):
            county.reconcile()
            if demo:
                from services.demo_life import Life  # noqa: PLC0415  # likewise

                life = Life(county.parts)
                life.settle()
                work["demo"] = life.run
                receipts = lambda: life.receipts  # noqa: E731  # read when asked for: each round has its own
            work |= auditing(county.parts, at_one_address(county.settings, address)) | watching(config.tls)
            pages = county.parts.verify_pages()
            app = front(mount({**apis, **pages}, make_root(county.settings, receipts)), county.channels)
            tls = config.tls.server() if config.tls else None
            serve(app, sock, Threads(work), lambda: _greet(address, config, demo=demo), tls)
    finally:
        county.close()


@contextmanager
def _listening(config: Settings) -> Iterator[tuple[socket.socket, str]]:
    """The bound socket and its address, which other commands find in the data folder meanwhile."""
    from shared.serve import listen  # noqa: PLC0415  # likewise

    try:
        sock = listen(config.host, config.port)
    except Unavailable as error:
        raise Unavailable(f"{error}. Try --port 0") from error
    host = f"[{config.host}]" if ":" in config.host else config.host
    scheme = "https" if config.tls and config.tls.server() else "http"
    address = f"{scheme}://{host}:{sock.getsockname()[1]}"
    file = config.data_dir / console.ADDRESS_FILE
    file.write_text(address, encoding="ascii")
    try:
        yield sock, address
    finally:
        file.unlink(missing_ok=True)


def _where(config: Settings) -> str:
    """Where the command line finds the token, when it has to be told."""
    usual = config.admin_token or config.data_dir == Settings.model_fields["data_dir"].default
    return "" if usual else f" --data-dir {console.plain(config.data_dir)}"


def _greet(address: str, config: Settings, *, demo: bool) -> None:
    token = config.data_dir / "admin-token" if not config.admin_token else "what TONGYUAN_ADMIN_TOKEN says"
    lines = [
        f"[bold]同源 Tongyuan[/] · {console.plain(config.county)} · one source, four channels",
        "",
        f"  service platform   {address}/web/",
        f"  hall kiosk         {address}/kiosk/",
        f"  mobile             {address}/mobile/",
        f"  portal             {address}/portal/",
        f"  ledger head        {address}/ledger/v1/head",
        f"  live stream        {address}/web/v1/stream",
        f"  metrics            {address}/metrics",
        "",
        f"  token for writing  {console.plain(token)}",
        f"  is it all the same?  tongyuan verify --base-url {address}{_where(config)}",
    ]
    if demo:
        lines.append("  demo: cases move by themselves; look one up with the receipts at /demo/")
    for line in lines:
        console.say(line)
