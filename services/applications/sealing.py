"""What is personal lies sealed in the database (`shared.vault`): opened and sealed here, and nowhere else."""

from hashlib import sha256

import orjson
from sqlmodel import Session

from contracts.base import Json
from services.applications.facts import Fact
from services.applications.model import CaseRow, FactRow, RequestRow
from shared.vault import Place, Vault

NOTHING = "{}"


def vault_of(session: Session) -> Vault:
    """The store's vault."""
    vault = session.info["vault"]
    assert isinstance(vault, Vault), "the store of applications needs its keys"
    return vault


def personal_place(project_no: str) -> Place:
    """Where what is known about persons stands."""
    return Place("application", "personal", (project_no,))


def fact_place(project_no: str, fact_id: str) -> Place:
    """Where a fact's document stands."""
    return Place("fact", "document", (project_no, fact_id))


def request_place(name: str) -> Place:
    """Where a request's content stands."""
    return Place("request", "content", (name,))


def personal_of(session: Session, row: CaseRow) -> Json:
    """What is known about persons."""
    known: Json = orjson.loads(vault_of(session).open(row.personal, personal_place(row.project_no)))
    return known


def set_personal(session: Session, row: CaseRow, personal: Json) -> None:
    """What is known about persons from now on."""
    row.personal = vault_of(session).seal(orjson.dumps(personal).decode(), personal_place(row.project_no))


def nothing_personal(session: Session, project_no: str) -> str:
    """The column of a case of which nothing is known yet."""
    return vault_of(session).seal(NOTHING, personal_place(project_no))


def fact_of(session: Session, row: FactRow) -> Fact:
    """The fact of a row."""
    return Fact.model_validate_json(vault_of(session).open(row.document, fact_place(row.project_no, row.fact_id)))


def set_fact(session: Session, row: FactRow, fact: Fact) -> None:
    """The row holds this fact."""
    document = fact.model_dump_json(exclude_none=True)
    row.document = vault_of(session).seal(document, fact_place(row.project_no, row.fact_id))


def request_names(session: Session, request_id: str) -> list[str]:
    """What a repeated request is recognised by: under each key, newest first."""
    return vault_of(session).names(_hashed(request_id))


def request_content(session: Session, name: str, request_id: str, content: str) -> str:
    """The column of a request: what it asked for (`content`, a digest), and what its name is made of."""
    known = {"request": _hashed(request_id), "content": content}
    return vault_of(session).seal(orjson.dumps(known).decode(), request_place(name))


def content_of(session: Session, row: RequestRow) -> str:
    """The digest of what a request asked for."""
    return str(_request(session, row)["content"])


def renamed(session: Session, row: RequestRow) -> RequestRow:
    """The same request under its newest name, sealed anew."""
    known = _request(session, row)
    name = vault_of(session).names(known["request"])[0]
    sealed = vault_of(session).seal(orjson.dumps(known).decode(), request_place(name))
    return RequestRow(request=name, project_no=row.project_no, content=sealed)


def _request(session: Session, row: RequestRow) -> Json:
    known: Json = orjson.loads(vault_of(session).open(row.content, request_place(row.request)))
    return known


def _hashed(request_id: str) -> str:
    return sha256(request_id.encode()).hexdigest()
