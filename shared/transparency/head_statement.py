"""Reads head statements for `verify` and the auditor, with the keys that the ledger lists."""

from collections.abc import Iterable

from pydantic import ValidationError

from contracts.base import Json
from contracts.envelope.statement import HeadStatement
from shared.errors import Broken
from shared.transparency.checkpoint import NoteKey, opened


def read_statement(note: str, listed: Iterable[Json]) -> HeadStatement:
    """Return the statement in a note of the ledger.

    `listed`: keys as `/ledger/v1/keys` returns them. Raises `Broken`.
    """
    try:
        keys = [NoteKey(key["name"], bytes.fromhex(key["public_key"])) for key in listed]
        return HeadStatement.model_validate_json(opened(note, keys)[0])
    except (KeyError, TypeError, ValueError, ValidationError) as error:
        raise Broken(f"not a head statement: {type(error).__name__}") from error
