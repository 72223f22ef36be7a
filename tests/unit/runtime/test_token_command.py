"""`tongyuan token`: a token for one service and the requested time, or a reason why there is none."""

import jwt
import pytest
from typer.testing import CliRunner

from services.cli.app import app
from services.runtime import manifests
from shared.config import Settings
from shared.tokens.access import Right
from tests.harness.callers import CALLERS, key_of

KEY = {"TONGYUAN_OPERATOR_KEY": key_of("operator")}


def printed(*arguments: str, env: dict[str, str] | None = None) -> tuple[int, str, str]:
    unset = {"TONGYUAN_OPERATOR_KEY": None, "TONGYUAN_ADMIN_TOKEN": None}
    done = CliRunner(env={**unset, "COLUMNS": "200", **(KEY if env is None else env)}).invoke(
        app, ["token", *arguments]
    )
    return done.exit_code, done.stdout.strip(), done.stderr


@pytest.mark.parametrize("service", manifests.SERVICES)
def test_a_printed_token_opens_everything_at_its_service(service: str) -> None:
    code, token, _ = printed(service)
    assert code == 0
    assert manifests.callers(service, Settings(callers=CALLERS)).caller(token).rights == set(Right)


@pytest.mark.parametrize(("arguments", "seconds"), [([], 300), (["--minutes", "60"], 3600)])
def test_it_lasts_as_long_as_was_asked_for(arguments: list[str], seconds: int) -> None:
    _, token, _ = printed("ledger", *arguments)
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] == seconds


@pytest.mark.parametrize(("arguments", "env", "reason"), [
    (["editor"], None, "there is no service 'editor'; choose one of: catalog"),
    (["ledger", "--minutes", "61"], None, "--minutes"),
    (["ledger"], {}, "TONGYUAN_OPERATOR_KEY: must be set"),
    (["ledger"], {"TONGYUAN_OPERATOR_KEY": "hush"}, "TONGYUAN_OPERATOR_KEY: must be 64 hexadecimal digits"),
])  # fmt: skip
def test_what_cannot_be_printed_is_told_with_its_reason(
    arguments: list[str], env: dict[str, str] | None, reason: str
) -> None:
    code, token, said = printed(*arguments, env=env)
    assert (code, token) == (2, "")
    assert reason in said
    assert "hush" not in said
