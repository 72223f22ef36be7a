"""Pages 人员: for administrators, everybody's roles, units and locks, and what was changed."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from contracts.base import Json
from services.console.accounts.administration import Administration
from services.console.accounts.model import AccountRow
from services.console.accounts.people import departments_of, roles_of
from services.console.accounts.rights import may
from services.console.accounts.roles import NEED_SECOND_FACTOR, ROLES, titles
from services.console.audit.words import PEOPLE_ACTIONS
from services.console.pages.forms import Form, by_field, text, texts
from services.console.pages.frame import page, see_other
from shared.errors import NotFound, Refused
from shared.tokens.person import Actor, Person, StaffRole

Administrator = Annotated[Person, Depends(may(StaffRole.ADMINISTRATOR))]
PEOPLE = "people"
MOST_CHANGES = 50
DONE = {
    "changed": "已保存。",
    "lock": "已锁定：登录状态已结束，令牌已停用。",
    "unlock": "已解除锁定。",
    "second-factor": "已移除两步验证；需要的人下次登录时重新设置。",
    "unbind": "已解除绑定；下一次用单位账号登录的人会重新绑定。",
}


FIELDS = {"display_name": "姓名", "roles": "角色", "departments": "单位", "title": "用途", "expires_at": "到期"}


@dataclass(frozen=True)
class Sent:
    """A person as the form shows and sends it. `departments`: one 统一社会信用代码 a line."""

    name: str = ""
    display_name: str = ""
    roles: frozenset[StaffRole] = frozenset()
    departments: str = ""

    def person(self) -> Person:
        """Return the person."""
        codes = frozenset(line.strip().upper() for line in self.departments.split() if line.strip())
        return Person(self.name, self.display_name, self.roles, codes)


def people_pages(administration: Administration) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(include_in_schema=False)
    routes.include_router(_creating(administration))
    routes.include_router(_changing(administration))
    return routes


def _creating(administration: Administration) -> APIRouter:
    routes = APIRouter(prefix=f"/{PEOPLE}")

    @routes.get("")
    def people(request: Request, me: Administrator) -> Response:
        found = [_listed(row) for row in administration.people()]
        return page(request, "people.html", person=me, people=found)

    # No account has a name with a plus.
    @routes.get("/+new")
    def form(request: Request, me: Administrator) -> Response:
        return page(request, "person_new.html", person=me, sent=Sent(), errors={}, **_choices())

    @routes.post("/+new")
    def create(request: Request, me: Administrator, sent: Form) -> Response:
        given = _sent(sent, text(sent, "name"))
        try:
            password = administration.create(Actor.of(me), given.person())
        except Refused as error:
            values: dict[str, Any] = {"sent": given, "errors": by_field(error), **_choices()}
            return page(request, "person_new.html", person=me, status=error.status, **values)
        return _one_time(request, me, given.name, password)

    return routes


def _changing(administration: Administration) -> APIRouter:
    routes = APIRouter(prefix=f"/{PEOPLE}/{{name}}")

    @routes.get("")
    def form(request: Request, me: Administrator, name: str) -> Response:
        return _shown(administration, request, me, name)

    @routes.post("")
    def change(request: Request, me: Administrator, name: str, sent: Form) -> Response:
        given = _sent(sent, name)
        try:
            administration.change(Actor.of(me), given.person())
        except NotFound:
            raise
        except Refused as error:
            return _shown(administration, request, me, name, given, error)
        return see_other(f"{PEOPLE}/{name}?done=changed")

    @routes.post("/password")
    def reset(request: Request, me: Administrator, name: str) -> Response:
        return _one_time(request, me, name, administration.reset_password(Actor.of(me), name))

    @routes.post("/{action}")
    def act(request: Request, me: Administrator, name: str, action: str) -> Response:
        known = {
            "lock": administration.lock,
            "unlock": administration.unlock,
            "second-factor": administration.reset_second_factor,
            "unbind": administration.unbind,
        }
        if action not in known:
            raise NotFound("there is no such action")
        try:
            known[action](Actor.of(me), name)
        except NotFound:
            raise
        except Refused as error:
            return _shown(administration, request, me, name, None, error)
        return see_other(f"{PEOPLE}/{name}?done={action}")

    return routes


def _shown(
    administration: Administration,
    request: Request,
    me: Person,
    name: str,
    sent: Sent | None = None,
    error: Refused | None = None,
) -> Response:
    """Show a person; `sent` and `error`: what a form has sent and why it was refused."""
    row = administration.account(name)
    values: dict[str, Any] = {
        "one": _listed(row),
        "sent": sent or _of_row(row),
        "errors": by_field(error) if error else {},
        "changes": [
            {**one, "action": PEOPLE_ACTIONS.get(one["action"], one["action"]), "text": _change_text(one)}
            for one in administration.history(name, None, MOST_CHANGES)
        ],
        "done": DONE.get(request.query_params.get("done", ""), ""),
        **_choices(),
    }
    return page(request, "person.html", person=me, status=error.status if error else 200, **values)


def _change_text(change: Json) -> str:
    """Return what a change was about: each field that differs, as before → after."""
    before, after = change["before"] or {}, change["after"] or {}
    differing = [field for field in FIELDS if before.get(field) != after.get(field)]
    return "；".join(f"{FIELDS[field]}：{_said(before, field)} → {_said(after, field)}" for field in differing)


def _said(values: Json, field: str) -> str:
    value = values.get(field) or "无"
    if field == "roles" and values.get(field):
        value = titles(StaffRole(role) for role in values[field])
    return "、".join(value) if isinstance(value, list) else str(value)


def _one_time(request: Request, me: Person, name: str, password: str) -> Response:
    return page(request, "one_time_password.html", person=me, name=name, password=password)


def _choices() -> dict[str, Any]:
    return {"all_roles": ROLES, "strict": NEED_SECOND_FACTOR}


def _sent(form: Any, name: str) -> Sent:
    roles = frozenset(StaffRole(role) for role in texts(form, "roles") if role in ROLES)
    return Sent(name, text(form, "display_name"), roles, text(form, "departments"))


def _of_row(row: AccountRow) -> Sent:
    return Sent(row.name, row.display_name, roles_of(row.roles), "\n".join(sorted(departments_of(row.departments))))


def _listed(row: AccountRow) -> dict[str, Any]:
    return {
        "name": row.name,
        "display_name": row.display_name,
        "roles": titles(roles_of(row.roles)),
        "departments": sorted(departments_of(row.departments)),
        "locked_at": row.locked_at,
        "second_factor": row.totp_confirmed_at is not None,
        "bound_at": row.bound_at,
        "must_change_password": row.must_change_password,
    }
