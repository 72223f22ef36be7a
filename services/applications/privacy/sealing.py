"""Seal and open personal columns in the database (`shared.security.vault`). Nothing else opens or seals them."""

from hashlib import sha256

import orjson
from sqlmodel import Session

from contracts.base import Json
from services.applications.lifecycle.facts import Fact
from services.applications.model import CaseRow, FactRow, RequestRow
from shared.errors import SettingsError
from shared.security.vault import SealedField, Vault

NOTHING = "{}"
NO_KEYS = "personal-keys: the store of applications was opened without them (docs/operating/keys.md)"


def vault_of(session: Session) -> Vault:
    """Return the store's vault. Raises `SettingsError` without keys."""
    vault = session.info["vault"]
    if not isinstance(vault, Vault):
        raise SettingsError(NO_KEYS)
    return vault


def personal_place(project_no: str) -> SealedField:
    """Return the place of a case's personal data."""
    return SealedField("application", "personal", (project_no,))


def fact_place(project_no: str, fact_id: str) -> SealedField:
    """Return the place of a fact's document."""
    return SealedField("fact", "document", (project_no, fact_id))


def request_place(name: str) -> SealedField:
    """Return the place of a request's content."""
    return SealedField("request", "content", (name,))


def personal_of(session: Session, row: CaseRow) -> Json:
    """Return a case's personal data."""
    known: Json = orjson.loads(vault_of(session).open(row.personal, personal_place(row.project_no)))
    return known


def set_personal(session: Session, row: CaseRow, personal: Json) -> None:
    """Replace a case's personal data."""
    row.personal = vault_of(session).seal(orjson.dumps(personal).decode(), personal_place(row.project_no))


def nothing_personal(session: Session, project_no: str) -> str:
    """Return the column of a case without personal data."""
    return vault_of(session).seal(NOTHING, personal_place(project_no))


def fact_of(session: Session, row: FactRow) -> Fact:
    """Return the fact of a row."""
    return Fact.model_validate_json(vault_of(session).open(row.document, fact_place(row.project_no, row.fact_id)))


def set_fact(session: Session, row: FactRow, fact: Fact) -> None:
    """Store a fact in a row."""
    document = fact.model_dump_json(exclude_none=True)
    row.document = vault_of(session).seal(document, fact_place(row.project_no, row.fact_id))


def request_names(session: Session, request_id: str) -> list[str]:
    """Return the names by which a repeated request is recognized: one per key, newest first."""
    return vault_of(session).names(_hashed(request_id))


def request_content(session: Session, name: str, request_id: str, content: str) -> str:
    """Return the column of a request: its content (`content`, a digest), and what its name is made of."""
    known = {"request": _hashed(request_id), "content": content}
    return vault_of(session).seal(orjson.dumps(known).decode(), request_place(name))


def content_of(session: Session, row: RequestRow) -> str:
    """Return the digest of a request's content."""
    return str(_request(session, row)["content"])


def renamed(session: Session, row: RequestRow) -> RequestRow:
    """Return the same request under its newest name, resealed."""
    known = _request(session, row)
    name = vault_of(session).names(known["request"])[0]
    sealed = vault_of(session).seal(orjson.dumps(known).decode(), request_place(name))
    return RequestRow(request=name, project_no=row.project_no, content=sealed)


def _request(session: Session, row: RequestRow) -> Json:
    known: Json = orjson.loads(vault_of(session).open(row.content, request_place(row.request)))
    return known


def _hashed(request_id: str) -> str:
    return sha256(request_id.encode()).hexdigest()
