"""`token`: make an operator's token for one service, for curl and other programs without a key."""

from typing import Annotated

import typer

from services.cli import terminal
from services.cli.terminal import USAGE, fail
from services.runtime import manifests
from shared.errors import SettingsError
from shared.tokens.keys import private_key
from shared.tokens.minting import Minter

MINUTES = 5
LONGEST = manifests.OPERATOR.seconds // 60


def token(
    service: Annotated[str, typer.Argument(metavar="SERVICE", help="The only service that accepts the token.")],
    minutes: Annotated[int, typer.Option(min=1, max=LONGEST, help="Lifetime of the token.")] = MINUTES,
) -> None:
    """Print a token with an operator's rights at one service, signed by TONGYUAN_OPERATOR_KEY."""
    if service not in manifests.SERVICES:
        fail(f"there is no service {service!r}; choose one of: {', '.join(manifests.SERVICES)}", USAGE)
    key = terminal.settings().operator_key
    if key is None:
        reason = "must be set; with `tongyuan up`, use the token in the file admin-token"
        fail(f"TONGYUAN_OPERATOR_KEY: {reason}", USAGE)
    try:
        signing = private_key(key.get_secret_value(), "TONGYUAN_OPERATOR_KEY")
    except SettingsError as error:
        fail(str(error), USAGE)
    typer.echo(Minter(manifests.OPERATOR.name, signing, service, minutes * 60).token())
