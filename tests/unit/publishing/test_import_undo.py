"""An import is taken back as one act; what was changed since stays and is listed."""

import hashlib
from dataclasses import asdict

import pytest

from services.importing.undo import take_back
from shared.publishing import editions
from shared.publishing.editions import Period
from shared.publishing.import_undo import UndoOutcome, UndoRequest, undo_import
from shared.publishing.imports.provenance import UNDONE, provenance_of
from tests.harness.actors import TESTER
from tests.harness.importing import bring, exchange_row
from tests.harness.pipeline import code_of, item, pipeline

ONE, TWO = code_of(1), code_of(2)


@pytest.fixture
def county(tmp_path):
    with pipeline(tmp_path, channels=()) as made:
        yield made


def digest(file):
    return hashlib.sha256(file.encode()).hexdigest()


def undo(county, file, service="catalog", **more):
    owner = county.catalog if service == "catalog" else county.guides
    return undo_import(owner.db, owner.who, TESTER, UndoRequest(source="test", sha256=digest(file), by="张三", **more))


def view(county, code, service="catalog"):
    owner = county.catalog if service == "catalog" else county.guides
    with owner.db.read() as session:
        return editions.view(session, owner.who, editions.find(session, code))


def shown(county, code, service="catalog"):
    """Return the body in force; None if the code is on no channel."""
    return (view(county, code, service)["in_force"] or {}).get("body")


def change_by_hand(county, code, **fields):
    now = view(county, code)
    county.catalog.save_item(TESTER, code, now["in_force"]["body"] | fields, now["revision"])
    county.catalog.release_item(TESTER, code, Period(), None)


def test_what_an_import_changed_is_again_what_it_was_and_what_it_made_is_gone(county):
    bring(county, exchange_row(1), file="first")
    before = shown(county, ONE), shown(county, ONE, "guides")
    bring(county, exchange_row(1, promise_day=3, link_way="0571-1"), exchange_row(2), file="second")

    guides, items = undo(county, "second", "guides"), undo(county, "second")

    assert (items.restored, items.withdrawn, items.conflicts) == ([ONE], [TWO], [])
    assert (guides.restored, guides.withdrawn) == ([ONE], [TWO])
    assert (shown(county, ONE), shown(county, ONE, "guides")) == before
    assert shown(county, TWO) is None


def test_what_an_import_withdrew_is_shown_again(county):
    bring(county, exchange_row(1), file="first")
    before = shown(county, ONE)
    bring(county, exchange_row(1, cd_operation="D"), file="second")

    assert undo(county, "second").restored == [ONE]
    assert shown(county, ONE) == before


def test_a_plan_of_an_import_is_taken_back_with_it(county):
    bring(county, exchange_row(1), file="first")
    before = shown(county, ONE)
    bring(county, exchange_row(1, promise_day=3, plan_effective_date="2099-01-01"), file="second")

    undo(county, "second")

    assert shown(county, ONE) == before
    assert view(county, ONE)["planned"] == []


def test_an_item_that_was_only_planned_is_planned_no_more(county):
    bring(county, exchange_row(1, plan_effective_date="2099-01-01"), file="first")

    assert undo(county, "first").withdrawn == [ONE]
    assert view(county, ONE)["planned"] == []


def test_a_later_edit_and_a_later_import_are_conflicts_and_stay(county):
    bring(county, exchange_row(1), exchange_row(2), exchange_row(3), file="first")
    bring(county, *(exchange_row(number, promise_day=3) for number in (1, 2, 3)), file="second")
    change_by_hand(county, ONE, promise_day=4)
    bring(county, exchange_row(2, promise_day=5), file="third")

    outcome = undo(county, "second")

    told = [(one["code"], one["changed_by"]) for one in outcome.conflicts]
    assert told == [(ONE, "an editor"), (TWO, "import of third.jsonl (test)")]
    assert (shown(county, ONE)["promise_day"], shown(county, TWO)["promise_day"]) == (4, 5)
    assert outcome.restored == [code_of(3)]


def test_an_editors_draft_stays_and_an_unchanged_one_follows(county):
    bring(county, exchange_row(1), exchange_row(2), file="first")
    bring(county, exchange_row(1, promise_day=3), exchange_row(2, promise_day=3), file="second")
    county.catalog.save_item(TESTER, ONE, shown(county, ONE) | {"promise_day": 7}, view(county, ONE)["revision"])

    undo(county, "second")

    assert [view(county, code)["draft"]["promise_day"] for code in (ONE, TWO)] == [7, 10]


def test_a_preview_has_the_figures_of_the_undo_after_it_and_changes_nothing(county):
    bring(county, exchange_row(1), file="first")
    bring(county, exchange_row(1, promise_day=3), exchange_row(2), file="second")

    preview = undo(county, "second", dry_run=True)

    assert shown(county, ONE)["promise_day"] == 3
    assert undo(county, "second") == preview


def test_an_undo_is_repeated_without_effect_and_says_so(county):
    bring(county, exchange_row(1), file="first")
    undo(county, "first")

    again = undo(county, "first")

    assert (again.restored, again.withdrawn, again.conflicts, again.already) == ([], [], [], [ONE])


def test_a_file_that_was_taken_back_and_imported_again_is_taken_back_again(county):
    for _ in range(2):
        bring(county, exchange_row(1), file="first")
        assert shown(county, ONE) is not None
        assert undo(county, "first").withdrawn == [ONE]

    assert shown(county, ONE) is None


def test_a_plan_of_an_editor_comes_back_and_what_the_import_showed_is_gone(county):
    bring(county, exchange_row(1, plan_effective_date="2099-01-01"), file="planned")
    bring(county, exchange_row(1, plan_effective_date="/"), source="other", file="second")
    now = shown(county, ONE)

    owner = county.catalog
    undo_import(owner.db, owner.who, TESTER, UndoRequest(source="other", sha256=digest("second")))

    assert now is None or shown(county, ONE) is None
    assert len(view(county, ONE)["planned"]) == 1


class Direct:
    """The county's undo API without HTTP."""

    def __init__(self, county):
        self._county = county

    def post(self, service, path, content):
        assert path == "imports/undo"
        owner = self._county.catalog if service == "catalog" else self._county.guides
        return asdict(undo_import(owner.db, owner.who, TESTER, UndoRequest(**content)))


def test_an_item_and_its_guide_are_taken_back_together_or_both_stay(county):
    bring(county, exchange_row(1), exchange_row(2), file="first")
    bring(county, *(exchange_row(n, promise_day=3, link_way="0571-1") for n in (1, 2)), file="second")
    change_by_hand(county, ONE, promise_day=4)

    told = take_back(Direct(county), "test", digest("second"), preview=False)

    assert [(one["service"], one["code"]) for one in told["conflicts"]] == [("catalog", ONE)]
    assert told["restored"] == {"guides": 1, "catalog": 1}
    assert shown(county, ONE, "guides")["link_way"] == "0571-1"
    assert shown(county, TWO, "guides")["link_way"] != "0571-1"


def test_codes_to_keep_are_left_alone(county):
    bring(county, exchange_row(1), exchange_row(2), file="first")

    assert undo(county, "first", keep=[ONE]).withdrawn == [TWO]
    assert shown(county, ONE) is not None


def test_the_repaired_file_counts_as_if_the_first_had_never_been(county):
    bring(county, exchange_row(1, task_version=1), file="first")
    change_by_hand(county, ONE, promise_day=7)
    bring(county, exchange_row(1, task_version=9, entrust_name="错"), file="wrong")
    undo(county, "wrong")

    again = bring(county, exchange_row(1, task_version=2, entrust_name="对"), file="right")

    assert again.fates == ["released"]
    assert (shown(county, ONE)["entrust_name"], shown(county, ONE)["promise_day"]) == ("对", 7)


def test_the_version_of_an_undo_says_which_import_it_takes_back_and_who_did_it(county):
    bring(county, exchange_row(1), file="first")
    undo(county, "first")

    with county.catalog.db.read() as session:
        newest = provenance_of(session, f"item:{ONE}")[-1]
    assert (newest["source"], newest["file"], newest["sha256"], newest["by"]) == (
        *(UNDONE, "test", digest("first"), "张三"),
    )


def test_an_import_that_nobody_knows_changes_nothing(county):
    assert undo(county, "never") == UndoOutcome()


def test_a_guide_that_waits_for_its_item_is_taken_back_with_the_import(county):
    bring(county, exchange_row(1), file="first")
    bring(county, exchange_row(1, link_way="0571-1"), file="second")
    county.withdraw(item(1))
    county.flow()
    hidden = view(county, ONE, "guides")

    assert (hidden["state"], undo(county, "second", "guides").conflicts) == ("hidden", [])
    county.release(item(1))
    county.flow()
    assert "0571-1" not in str(shown(county, ONE, "guides"))
