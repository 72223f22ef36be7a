"""Files at their source: one row for the same bytes, refused by field and rule, removed when nothing names them."""

import hashlib
from datetime import UTC, datetime, timedelta

import pytest

from services.guides.files.store import FileStore
from services.guides.files.upkeep import UNUSED_DAYS, FileUpkeep
from shared.errors import Invalid, NoRoom, NotAllowed
from shared.tokens.person import Actor, Person, StaffRole
from tests.harness.actors import TESTER
from tests.harness.form_files import docx, pdf
from tests.harness.pipeline import ADMIN, Pipeline, code_of, guide, item, unit_code

FORM = pdf("登记表")
SHA = hashlib.sha256(FORM).hexdigest()
CODE = code_of(1)


@pytest.fixture
def county(tmp_path):
    made = Pipeline(tmp_path)
    yield made
    made.close()


@pytest.fixture
def files(county):
    return FileStore(county.dbs["guides"])


def naming(told, **changes):
    file = {**told, "purpose": "blank", **changes}
    return guide(materials=[{"material_name": "户口簿"}, {"material_name": "登记表", "files": [file]}])


def save(county, one, revision=None):
    county.guides.save_guide(TESTER, CODE, one.model_dump(mode="json"), revision)


def later(days=UNUSED_DAYS + 1):
    return datetime.now(UTC) + timedelta(days=days)


def upkeep(county):
    return FileUpkeep(county.dbs["guides"], "guides")


def test_the_same_bytes_twice_are_one_file(county, files):
    first, is_new = files.add(TESTER, CODE, "登记表", FORM)
    second, is_new_again = files.add(TESTER, CODE, "另一个名字.exe", FORM)

    assert (is_new, is_new_again) == (True, False)
    assert first == {"sha256": SHA, "media_type": "application/pdf", "size": len(FORM), "name": "登记表.pdf"}
    assert second == {**first, "name": "另一个名字.pdf"}
    assert county.execute("guides", "SELECT count(*) FROM file") == [(1,)]


def test_an_upload_has_a_row_in_the_audit_log(county, files):
    files.add(TESTER, CODE, "登记表", FORM)

    assert county.execute("guides", "SELECT action, object FROM audit_log") == [("file_added", f"guide:{CODE}")]


@pytest.mark.parametrize(
    "person",
    [
        Person("liulan", "浏览", frozenset({StaffRole.RELEASER})),
        Person("bieju", "别的局", frozenset({StaffRole.EDITOR}), frozenset({"11339921003991014X"})),
    ],
    ids=["no editor", "another unit"],
)
def test_who_may_not_write_the_guide_may_not_upload_for_it(files, person):
    with pytest.raises(NotAllowed):
        files.add(Actor(person.name, person), CODE, "登记表", FORM)


def test_an_editor_of_the_unit_uploads(files):
    person = Person("bianji", "编辑", frozenset({StaffRole.EDITOR}), frozenset({unit_code()}))

    assert files.add(Actor(person.name, person), CODE, "登记表", FORM)[1]


def test_a_refused_file_changes_nothing_and_says_field_rule_and_remedy(county):
    answer = county.http.post(
        "/guides/v1/files",
        params={"code": CODE, "name": "a.pdf"},
        content=b"MZ not a form",
        headers={"Authorization": f"Bearer {ADMIN}"},
    )

    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["field"], error["rule"]) == (422, "file", "file_type")
    assert ".docx" in error["message"]
    assert county.execute("guides", "SELECT count(*) FROM file") == [(0,)]


def test_more_bytes_than_a_form_may_have_are_not_read_to_the_end(county):
    answer = county.http.post(
        "/guides/v1/files",
        params={"code": CODE},
        content=b"%PDF-" + b" " * 13_000_000,
        headers={"Authorization": f"Bearer {ADMIN}"},
    )

    assert answer.status_code == 413


def test_a_guide_that_names_a_missing_file_is_refused_at_its_field(county):
    told = {"sha256": SHA, "media_type": "application/pdf", "size": len(FORM), "name": "登记表.pdf"}

    with pytest.raises(Invalid) as refused:
        save(county, naming(told))

    (violation,) = refused.value.violations
    assert (violation.field, violation.rule) == ("materials.1.files", "file_unknown")
    assert "upload it again" in violation.message


@pytest.mark.parametrize("changes", [{"size": 1}, {"media_type": "image/png", "name": "a.png"}])
def test_a_guide_that_states_another_type_or_size_is_refused(county, files, changes):
    told, _ = files.add(TESTER, CODE, "登记表", FORM)

    with pytest.raises(Invalid) as refused:
        save(county, naming(told, **changes))

    assert [one.rule for one in refused.value.violations] == ["file_facts"]


def test_a_guide_is_not_released_when_its_file_is_gone(county, files):
    told, _ = files.add(TESTER, CODE, "登记表", FORM)
    county.release(item())
    save(county, naming(told))
    county.execute("guides", "DELETE FROM file")

    with pytest.raises(Invalid) as refused:
        county.release(naming(told))

    assert [one.rule for one in refused.value.violations] == ["file_unknown"]


def test_an_import_that_names_a_missing_file_loses_that_row_alone(county):
    told = {"sha256": SHA, "media_type": "application/pdf", "size": 9, "name": "a.pdf", "purpose": "blank"}
    rows = [
        guide(1, materials=[{"material_name": "登记表", "files": [told]}]).model_dump(mode="json", exclude_none=True),
        guide(2).model_dump(mode="json", exclude_none=True),
    ]
    answer = county.http.post("/guides/v1/imports", json={"rows": rows}, headers={"Authorization": f"Bearer {ADMIN}"})

    assert answer.status_code == 200, answer.text
    assert "file_unknown" in answer.text
    assert county.execute("guides", "SELECT key FROM release") == [(f"guide:{code_of(2)}",)]


def test_an_upload_that_nothing_names_is_removed_after_its_time(county, files):
    files.add(TESTER, CODE, "登记表", FORM)

    assert upkeep(county).step() == 0
    assert upkeep(county).step(later(UNUSED_DAYS - 1)) == 0
    assert upkeep(county).step(later()) == 1

    assert county.execute("guides", "SELECT count(*) FROM file") == [(0,)]
    assert county.execute("guides", "SELECT actor FROM audit_log WHERE action = 'file_removed'") == [("system",)]


def test_a_file_that_a_draft_names_stays(county, files):
    told, _ = files.add(TESTER, CODE, "登记表", FORM)
    save(county, naming(told))

    assert upkeep(county).step(later()) == 0
    save(county, guide(), 1)
    assert upkeep(county).step(later()) == 1


def test_a_file_that_any_version_has_named_stays_for_ever(county, files):
    told, _ = files.add(TESTER, CODE, "登记表", FORM)
    county.release(item())
    county.release(naming(told))
    county.release(guide())

    assert upkeep(county).step(later()) == 0
    assert upkeep(county).step(later(4000)) == 0
    assert files.content(SHA) == (FORM, "application/pdf")


def test_an_upload_again_begins_the_time_again(county, files):
    files.add(TESTER, CODE, "登记表", FORM)
    county.execute("guides", "UPDATE file SET uploaded_at = '2020-01-01T00:00:00.000000Z'")
    files.add(TESTER, CODE, "登记表", FORM)

    assert upkeep(county).step() == 0


def test_all_files_together_are_bounded(county):
    store = FileStore(county.dbs["guides"], most_bytes=len(FORM))
    store.add(TESTER, CODE, "登记表", FORM)

    with pytest.raises(NoRoom):
        store.add(TESTER, CODE, "另一张", docx())
    assert store.add(TESTER, CODE, "登记表", FORM)[1] is False
