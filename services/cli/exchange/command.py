"""`exchange`: the group of its commands."""

import typer

from services.cli.exchange.down import down
from services.cli.exchange.messages import hall, marks, services
from services.cli.exchange.up import up

app = typer.Typer(
    no_args_is_help=True, help="Exchange with the national tables up_task_* and up_pro_*, as CSV or in a database."
)
app.command()(down)
app.command()(up)
app.command()(hall)
app.command()(marks)
app.command()(services)
