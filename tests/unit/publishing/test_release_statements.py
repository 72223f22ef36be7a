"""From the lane's number to the commit all other releases of a source wait: nothing is asked there."""

import pytest
from sqlalchemy import event

from shared.publishing import editions
from shared.publishing.editions.model import AT_ONCE
from tests.harness.actors import TESTER
from tests.harness.pipeline import code_of, guide, item, pipeline


@pytest.fixture
def county(tmp_path):
    with pipeline(tmp_path, channels=()) as made:
        yield made


def heard(county, act):
    """Return the first two words of each statement that the guides' store executes meanwhile."""
    said = []

    def hear(_connection, _cursor, statement, *_more):
        said.append(" ".join(statement.split()[:2]))

    event.listen(county.guides.db.engine, "before_cursor_execute", hear)
    try:
        act()
    finally:
        event.remove(county.guides.db.engine, "before_cursor_execute", hear)
    return said


def test_a_release_asks_nothing_while_it_holds_its_lane(county):
    county.release(item(1))
    county.release(guide(1))
    county.flow()
    county.guides.save_guide(TESTER, code_of(1), guide(1, "又一版").model_dump(mode="json"), 2)

    said = heard(county, lambda: county.guides.release_guide(TESTER, code_of(1), AT_ONCE, None))

    after = said[said.index("UPDATE counter") + 1 :]
    assert after == ["INSERT INTO", "UPDATE audit_head", "INSERT INTO", "UPDATE audit_head"]


def test_what_a_release_keeps_from_coming_true_is_found_with_one_statement(county):
    county.release(guide(1))
    county.guides.save_guide(TESTER, code_of(1), guide(1, "又一版").model_dump(mode="json"), 2)
    row, made = county.guides.release_guide(TESTER, code_of(1), AT_ONCE, None)

    said = heard(county, lambda: editions.overtaken(county.guides.db, county.guides.who, row, made))

    assert [one for one in said if one != "BEGIN"] == ["SELECT document"]
