"""JSON for administrators and the command line: `/console/v1/people…`."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from pydantic import Field

from contracts.base import Contract, Json
from services.console.accounts.administration import Administration
from services.console.accounts.model import AccountRow
from services.console.accounts.people import departments_of, roles_of
from services.console.accounts.rights import may_or_machine
from services.console.accounts.second_factor import SecretSeals
from shared.tokens.person import Actor, Person, StaffRole
from shared.tokens.rights import Right
from shared.web.edge import Number

Administering = Annotated[Actor, Depends(may_or_machine(Right.OPERATE, StaffRole.ADMINISTRATOR))]
Account = Annotated[str, Path(pattern=r"^[a-z][a-z0-9._-]{1,31}$", description="The account's name.")]


class Rights(Contract):
    """What an administrator states of a person."""

    display_name: str = Field(description="As colleagues write it, at most 40 characters.")
    roles: list[StaffRole]
    departments: list[str] = Field(default=[], description="统一社会信用代码 of the units; empty: every unit.")


class NewPerson(Rights):
    """A new account."""

    name: str = Field(description="2 to 32 lower-case letters, digits, `.`, `_`, `-`; begins with a letter.")


def people_api(administration: Administration, seals: SecretSeals) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(tags=["people"])

    @routes.post("/v1/people-keys", summary="Seal all second factors with a new key; `lost`: to be reset")
    def change_key(by: Administering) -> Json:
        return seals.change_key(by)

    routes.include_router(_reading(administration))
    routes.include_router(_writing(administration))
    routes.include_router(_access(administration))
    return routes


def _reading(administration: Administration) -> APIRouter:
    routes = APIRouter(prefix="/v1")

    @routes.get("/people", summary="List everybody who has an account")
    def people(_by: Administering) -> Json:
        return {"people": [as_json(row) for row in administration.people()]}

    @routes.get("/people-changes", summary="List what was changed about people, newest first")
    def changes(
        _by: Administering,
        account: Annotated[str | None, Query(max_length=32)] = None,
        before: Annotated[Number | None, Query(description="`id` of the previous page's last change.")] = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> Json:
        return {"changes": administration.history(account, before, limit)}

    @routes.get("/people/{name}", summary="Read one account")
    def one(_by: Administering, name: Account) -> Json:
        return as_json(administration.account(name))

    return routes


def _writing(administration: Administration) -> APIRouter:
    routes = APIRouter(prefix="/v1/people")

    @routes.post("", status_code=201, summary="Create an account; the answer has its one-time password")
    def create(by: Administering, sent: NewPerson) -> Json:
        person = _person(sent.name, sent)
        return {"name": person.name, "one_time_password": administration.create(by, person)}

    @routes.put("/{name}", summary="Give an account this display name, these roles and these units")
    def change(by: Administering, name: Account, sent: Rights) -> Json:
        administration.change(by, _person(name, sent))
        return as_json(administration.account(name))

    return routes


def _access(administration: Administration) -> APIRouter:
    routes = APIRouter(prefix="/v1/people/{name}")

    @routes.post("/lock", summary="Lock an account: its sessions end, its tokens stop working")
    def lock(by: Administering, name: Account) -> Json:
        administration.lock(by, name)
        return as_json(administration.account(name))

    @routes.post("/unlock", summary="Unlock an account")
    def unlock(by: Administering, name: Account) -> Json:
        administration.unlock(by, name)
        return as_json(administration.account(name))

    @routes.post("/password", summary="Replace the password by a one-time one, end sessions, revoke tokens")
    def reset_password(by: Administering, name: Account) -> Json:
        return {"name": name, "one_time_password": administration.reset_password(by, name)}

    @routes.delete("/second-factor", summary="Remove a lost second factor")
    def reset_second_factor(by: Administering, name: Account) -> Json:
        administration.reset_second_factor(by, name)
        return as_json(administration.account(name))

    @routes.delete("/binding", summary="Free an account of its person at the provider; the next sign-in binds it again")
    def unbind(by: Administering, name: Account) -> Json:
        administration.unbind(by, name)
        return as_json(administration.account(name))

    @routes.get("/tokens", summary="List the API tokens of an account, without the tokens themselves")
    def tokens(_by: Administering, name: Account) -> Json:
        return {"tokens": administration.tokens(name)}

    return routes


def as_json(row: AccountRow) -> Json:
    """Return an account without its secrets."""
    return {
        "name": row.name,
        "display_name": row.display_name,
        "roles": sorted(roles_of(row.roles)),
        "departments": sorted(departments_of(row.departments)),
        "locked_at": row.locked_at,
        "second_factor": row.totp_confirmed_at is not None,
        "bound_at": row.bound_at,
        "must_change_password": row.must_change_password,
        "created_at": row.created_at,
        "password_changed_at": row.password_changed_at,
    }


def _person(name: str, sent: Rights) -> Person:
    return Person(name, sent.display_name, frozenset(sent.roles), frozenset(sent.departments))
