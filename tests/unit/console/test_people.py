"""People and their own accounts: by an administrator, by themselves, as pages and as JSON."""

import re
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from sqlmodel import delete

from services.console.accounts.administration import LAST_ADMINISTRATOR
from services.console.accounts.model import AccountRow
from services.console.accounts.password_rules import require_good_password
from services.console.accounts.people import person_of
from shared.errors import Conflict, Invalid
from shared.publishing.reviews.roles import may_write
from shared.tokens.person import SYSTEM, Person, StaffRole
from tests.harness.desk import GOOD_PASSWORD, Browser, TestDesk, desk

UNIT, OTHER_UNIT = "11339921MB0000001A", "11339921MB0000002B"
ANOTHER_PASSWORD = "seven marmots sing quietly"  # of a test


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory):
    with desk(tmp_path_factory.mktemp("desk")) as made:
        yield made


@pytest.fixture
def admin(place: TestDesk) -> Browser:
    return place.session("guanli")


def secret_of(answer: httpx.Response) -> str:
    found = re.search(r'<code class="secret">([^<]+)<', answer.text)
    assert found is not None, answer.text
    return found[1]


def test_an_account_is_made_on_the_page_and_its_password_is_shown_once(place: TestDesk, admin: Browser) -> None:
    answer = admin.submit(
        "/people/+new", name="li.hua", display_name="李华", roles=["editor", "releaser"], departments=UNIT.lower()
    )
    password = secret_of(answer)
    assert answer.headers["cache-control"] == "no-store"
    assert password not in admin.get("/people/li.hua").text
    one = admin.get("/v1/people/li.hua").json()
    assert (one["roles"], one["departments"]) == (["editor", "releaser"], [UNIT])
    assert place.browser().post("/sign-in", data={"name": "li.hua", "password": password}).status_code == 303


def test_everything_that_is_wrong_is_told_at_its_field_and_nothing_typed_is_lost(admin: Browser) -> None:
    answer = admin.submit("/people/+new", name="Li Hua", display_name="李华<b>", departments="no such unit")

    assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    for field in ("name", "roles", "departments"):
        assert f'id="{field}-error"' in answer.text
        assert f'href="#{field}"' in answer.text
    assert 'value="Li Hua"' in answer.text
    assert "李华&lt;b&gt;" in answer.text
    assert ">no such unit</textarea>" in answer.text


def test_a_name_that_is_taken_is_told_and_the_account_stays(admin: Browser) -> None:
    before = admin.get("/v1/people/bianji").json()
    answer = admin.submit("/people/+new", name="bianji", display_name="另一个", roles=["editor"])

    assert answer.status_code == httpx.codes.CONFLICT
    assert "已经有人用了" in answer.text
    assert admin.get("/v1/people/bianji").json() == before


def test_the_api_does_what_the_page_does(admin: Browser, place: TestDesk) -> None:
    body = {"name": "wang.wu", "display_name": "王五", "roles": ["auditor"]}
    made = admin.call("POST", "/v1/people", body)
    assert made.status_code == httpx.codes.CREATED
    assert (
        place.browser()
        .post("/sign-in", data={"name": "wang.wu", "password": made.json()["one_time_password"]})
        .headers["location"]
        == "/console/sign-in/password"
    )

    changed = admin.call(
        "PUT", "/v1/people/wang.wu", {"display_name": "王五", "roles": ["editor"], "departments": [UNIT]}
    )
    assert changed.json()["departments"] == [UNIT]
    wrong = admin.call("PUT", "/v1/people/wang.wu", {"display_name": "", "roles": [], "departments": ["x"]})
    assert {one["field"] for one in wrong.json()["errors"]} == {"display_name", "roles", "departments"}
    assert admin.get("/v1/people/nobody").status_code == httpx.codes.NOT_FOUND


def test_a_locked_account_is_out_at_once_with_its_sessions_and_tokens(place: TestDesk, admin: Browser) -> None:
    name = place.person("suo", StaffRole.EDITOR)
    browser = place.session(name)
    token = browser.call(
        "POST", "/v1/me/tokens", {"current": GOOD_PASSWORD, "title": "导出", "roles": ["editor"], "days": 30}
    ).json()["token"]
    program = {"authorization": f"Bearer {token}"}
    assert place.browser().get("/v1/me", headers=program).json()["name"] == name

    admin.submit(f"/people/{name}/lock")
    assert browser.get("/v1/me").status_code == httpx.codes.UNAUTHORIZED
    assert place.browser().get("/v1/me", headers=program).status_code == httpx.codes.UNAUTHORIZED
    admin.submit(f"/people/{name}/unlock")
    assert browser.get("/v1/me").status_code == httpx.codes.UNAUTHORIZED
    assert place.browser(name, GOOD_PASSWORD).get("/v1/me").is_success


def test_a_reset_password_ends_sessions_and_revokes_tokens(place: TestDesk, admin: Browser) -> None:
    name = place.person("chong", StaffRole.EDITOR)
    browser = place.session(name)
    body = {"current": GOOD_PASSWORD, "title": "导出", "roles": ["editor"], "days": 30}
    token = browser.call("POST", "/v1/me/tokens", body).json()["token"]

    one_time = secret_of(admin.submit(f"/people/{name}/password"))
    assert browser.get("/v1/me").status_code == httpx.codes.UNAUTHORIZED
    answer = place.browser().get("/v1/me", headers={"authorization": f"Bearer {token}"})
    assert answer.status_code == httpx.codes.UNAUTHORIZED
    assert place.browser().post("/sign-in", data={"name": name, "password": GOOD_PASSWORD}).status_code == 422
    assert place.browser().post("/sign-in", data={"name": name, "password": one_time}).status_code == 303


def test_the_last_administrator_stays(tmp_path) -> None:
    with desk(tmp_path) as place:
        for refused in (
            lambda: place.people.lock(SYSTEM, "guanli"),
            lambda: place.people.change(SYSTEM, Person("guanli", "褚管理", frozenset({StaffRole.EDITOR}))),
        ):
            with pytest.raises(Conflict, match=LAST_ADMINISTRATOR):
                refused()
        assert place.people.account("guanli").locked_at is None
        assert StaffRole.ADMINISTRATOR in person_of(place.people.account("guanli")).roles


def test_two_administrators_who_lock_each_other_at_once_leave_one(tmp_path) -> None:
    with desk(tmp_path) as place:
        place.person("erhao", StaffRole.ADMINISTRATOR)

        def lock(name: str) -> bool:
            try:
                place.people.lock(SYSTEM, name)
            except Conflict:
                return False
            return True

        with ThreadPoolExecutor(2) as pool:
            assert sorted(pool.map(lock, ("guanli", "erhao"))) == [False, True]


def test_every_change_says_who_what_when_from_where_before_and_after(place: TestDesk, admin: Browser) -> None:
    name = place.person("bian", StaffRole.EDITOR)
    admin.submit(f"/people/{name}", display_name="边 新名", roles=["editor", "auditor"], departments="")
    (change, *_) = admin.get(f"/v1/people-changes?account={name}").json()["changes"]

    assert (change["actor"], change["address"], change["action"]) == ("guanli", "testclient", "person.changed")
    assert change["before"]["roles"] == ["editor"]
    assert change["after"]["roles"] == ["auditor", "editor"]
    page = admin.get(f"/people/{name}").text
    assert "角色：编辑 → 编辑、审计" in page


def test_no_change_writes_no_row(place: TestDesk, admin: Browser) -> None:
    name = place.person("jing", StaffRole.EDITOR)
    admin.submit(f"/people/{name}", display_name=f"{name} 的姓名", roles=["editor"], departments="")

    assert admin.get(f"/v1/people-changes?account={name}").json()["changes"] == []


def test_a_new_password_ends_the_other_sessions_and_keeps_this_one(place: TestDesk) -> None:
    name = place.person("huan", StaffRole.EDITOR)
    here, elsewhere = place.session(name), place.session(name)
    fields = {"current": GOOD_PASSWORD, "password": ANOTHER_PASSWORD, "again": ANOTHER_PASSWORD}
    assert here.submit("/account/password", **fields).status_code == httpx.codes.SEE_OTHER

    assert here.get("/v1/me").is_success
    assert elsewhere.get("/v1/me").status_code == httpx.codes.UNAUTHORIZED
    assert place.browser(name, ANOTHER_PASSWORD).get("/v1/me").is_success


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"current": "not this one at all"}, "current-password"),
        ({"password": "short", "again": "short"}, "password"),
        ({"password": "password12345", "again": "password12345"}, "password"),
        ({"password": GOOD_PASSWORD, "again": GOOD_PASSWORD}, "password"),
        ({"again": "something else entirely"}, "again"),
    ],
)
def test_a_password_that_is_not_taken_changes_nothing(place: TestDesk, fields: dict[str, str], wrong: str) -> None:
    name = f"buhao.{wrong[0]}{len(str(fields))}"
    browser = place.session(place.person(name, StaffRole.EDITOR))
    given = {"current": GOOD_PASSWORD, "password": ANOTHER_PASSWORD, "again": ANOTHER_PASSWORD, **fields}
    answer = browser.submit("/account/password", **given)

    assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    assert f'id="{wrong}-error"' in answer.text
    assert ANOTHER_PASSWORD not in answer.text
    assert place.browser(name, GOOD_PASSWORD).get("/v1/me").is_success


@pytest.mark.parametrize(
    "password",
    [
        "a" * 11,
        "aaaaaaaaaaaa",
        "password1234",
        "1234567890123",
        "qwertyuiopas",
        "zhang.san2026",
        "woaini1314520",
        "张三张三张三张三张三张三",
    ],
)
def test_what_is_easily_guessed_is_no_password(password: str) -> None:
    with pytest.raises(Invalid):
        require_good_password(password, "zhang.san", "张三", "云溪县")


@pytest.mark.parametrize(
    "password", [GOOD_PASSWORD, "秋天的石榴树在院子里", "x7!pQ2#vLm9$", "马 电池 订书机 正确 灯笼"]
)
def test_what_is_long_and_unrelated_is_a_password_whatever_its_characters(password: str) -> None:
    require_good_password(password + "。。" * (len(password) < 12), "zhang.san", "张三", "云溪县")


def test_a_token_has_at_most_its_owners_roles_and_a_year(place: TestDesk) -> None:
    browser = place.session(place.person("lingpai", StaffRole.EDITOR))
    body = {"current": GOOD_PASSWORD, "title": "", "roles": ["administrator"], "days": 366}
    answer = browser.call("POST", "/v1/me/tokens", body)

    assert {(one["field"], one["rule"]) for one in answer.json()["errors"]} == {
        ("title", "length"),
        ("roles", "too_many"),
        ("days", "range"),
    }
    assert browser.get("/v1/me/tokens").json() == {"tokens": []}


def test_a_token_loses_the_role_that_its_owner_loses(place: TestDesk) -> None:
    name = place.person("liangge", StaffRole.EDITOR, StaffRole.AUDITOR)
    body = {"current": GOOD_PASSWORD, "title": "两个", "roles": ["editor", "auditor"], "days": 1}
    token = place.session(name).call("POST", "/v1/me/tokens", body).json()["token"]
    place.people.change(SYSTEM, Person(name, "两个", frozenset({StaffRole.AUDITOR})))

    me = place.browser().get("/v1/me", headers={"authorization": f"Bearer {token}"}).json()
    assert me["roles"] == ["auditor"]


def test_a_revoked_token_is_worth_nothing_and_nobody_revokes_anothers(place: TestDesk) -> None:
    browser = place.session(place.person("che", StaffRole.EDITOR))
    body = {"current": GOOD_PASSWORD, "title": "撤", "roles": ["editor"], "days": 1}
    made = browser.call("POST", "/v1/me/tokens", body).json()
    stranger = place.session("bianji")
    assert stranger.call("DELETE", f"/v1/me/tokens/{made['number']}").status_code == httpx.codes.NOT_FOUND
    assert browser.call("DELETE", f"/v1/me/tokens/{made['number']}").status_code == httpx.codes.NO_CONTENT

    answer = place.browser().get("/v1/me", headers={"authorization": f"Bearer {made['token']}"})
    assert answer.status_code == httpx.codes.UNAUTHORIZED


def test_nobody_ends_another_persons_session(place: TestDesk) -> None:
    victim = place.session("bianji")
    number = next(one["id"] for one in victim.get("/v1/me/sessions").json()["sessions"] if one["current"])
    stranger = place.session("fabu")

    assert stranger.call("DELETE", f"/v1/me/sessions/{number}").status_code == httpx.codes.NOT_FOUND
    stranger.submit("/account/sessions/end", session=number)
    assert victim.get("/v1/me").is_success
    assert victim.submit("/account/sessions/end", session=number).status_code == httpx.codes.SEE_OTHER
    assert victim.get("/v1/me").status_code == httpx.codes.UNAUTHORIZED


def test_the_first_administrator_is_made_once(tmp_path) -> None:
    with desk(tmp_path) as place:
        assert place.people.first_administrator(SYSTEM) is None
        with place.db.write() as session:
            session.exec(delete(AccountRow))
        password = place.people.first_administrator(SYSTEM)
        assert place.people.first_administrator(SYSTEM) is None
        answer = place.browser().post("/sign-in", data={"name": "admin", "password": password})
        assert answer.headers["location"] == "/console/sign-in/password"


def test_an_editor_writes_what_is_of_the_own_units_and_without_units_everything() -> None:
    code = f"{UNIT}4330117020000"
    bound = Person("li", "李", frozenset({StaffRole.EDITOR}), frozenset({UNIT}))

    assert may_write(bound, code)
    assert not may_write(bound, code.replace(UNIT, OTHER_UNIT))
    assert may_write(Person("li", "李", frozenset({StaffRole.EDITOR})), code)


def test_a_person_without_the_right_sees_no_entry_and_no_page(place: TestDesk) -> None:
    editor = place.session("bianji")

    assert "/console/people" not in editor.get("/").text
    assert editor.get("/people").status_code == httpx.codes.FORBIDDEN


def test_the_demonstrations_people_are_named_on_its_sign_in_page_alone(place: TestDesk, real: TestDesk) -> None:
    assert "yunxi-demo-2026" in place.browser().get("/sign-in").text
    assert "yunxi-demo-2026" not in real.browser().get("/sign-in").text
    assert "bianji" not in real.browser().get("/sign-in").text
