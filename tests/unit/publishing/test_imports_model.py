"""Any files in any order, split, repeated or interrupted: the county holds what a small model predicts."""

import itertools
import random
from dataclasses import asdict, replace

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from services.importing.engine.figures import changes
from services.importing.engine.import_run import ImportOptions
from services.importing.engine.report import figures_of
from services.importing.engine.sources import ImportOrigin
from shared.errors import UpstreamDown
from shared.publishing import editions
from shared.publishing.editions import Period
from shared.publishing.import_undo import UndoRequest, undo_import
from shared.publishing.imports.request import Confirmation
from tests.harness.actors import TESTER
from tests.harness.import_model import ImportModel, Said
from tests.harness.importing import Direct, exchange_row, imported, outcomes_of
from tests.harness.pipeline import code_of, item, pipeline

FIELDS = {"promise_day": st.sampled_from([1, 2, 3]), "entrust_name": st.sampled_from(["甲", "乙"])}
CODES = 3
EXAMPLES = 25
ALL = ImportOptions(confirmed=frozenset(Confirmation))
numbers = itertools.count(1)
"""Each example uses its own codes, so that all can share one county."""


@pytest.fixture(scope="module")
def county(tmp_path_factory):
    with pipeline(tmp_path_factory.mktemp("county"), channels=()) as made:
        yield made


stated = st.lists(st.sampled_from(sorted(FIELDS)), unique=True).flatmap(
    lambda names: st.tuples(*(st.tuples(st.just(name), FIELDS[name]) for name in names))
)
rows = st.builds(
    Said,
    code=st.integers(0, CODES - 1).map(str),
    version=st.sampled_from([None, 1, 2, 3]),
    fields=st.one_of(stated, st.none()),
)
files = st.lists(rows, max_size=6)
by_hand = st.tuples(
    st.integers(0, CODES - 1).map(str), st.sampled_from([("promise_day", 9), ("entrust_name", "手"), None])
)


def one_content_a_version(drawn):
    """Each version of a code has one content, as in a source that numbers its versions correctly."""
    code, version = drawn
    if version % 4 == 0:
        return Said(code, version, None)
    return Said(code, version, (("entrust_name", f"{version}"), ("promise_day", version)))


numbered = st.lists(
    st.tuples(st.integers(0, CODES - 1).map(str), st.integers(1, 6)).map(one_content_a_version), max_size=8
)


@settings(max_examples=EXAMPLES, deadline=None)
@given(steps=st.lists(st.one_of(files, by_hand), max_size=5))
def test_after_any_files_and_changes_by_hand_the_county_holds_what_the_model_says(county, steps):
    here, model = Codes(county), ImportModel()
    for step in steps:
        if isinstance(step, tuple):
            here.by_hand(model, *step)
        else:
            model.bring(step)
            here.bring(step)

        assert here.shown() == model.shown()


@settings(max_examples=EXAMPLES, deadline=None)
@given(before=files, file=files)
def test_the_same_file_again_changes_nothing(county, before, file):
    here = Codes(county)
    here.bring(before)
    here.bring(file)
    versions, known = here.versions(), here.shown()
    here.bring(file)

    assert (here.versions(), here.shown()) == (versions, known)


@settings(max_examples=EXAMPLES, deadline=None)
@given(file=numbered, cuts=st.sets(st.integers(0, 8)), seed=st.integers(0, 99))
def test_versions_that_say_one_thing_each_end_alike_in_any_order_and_any_number_of_files(county, file, cuts, seed):
    shuffled = random.Random(seed).sample(file, len(file))
    ends = []
    for order in (file, shuffled):
        for places in ([], sorted(cuts)):
            here = Codes(county)
            for start, end in itertools.pairwise([0, *(cut for cut in places if 0 < cut < len(order)), len(order)]):
                here.bring(order[start:end])
            ends.append(here.shown())

    assert all(end == ends[0] for end in ends)


@settings(max_examples=EXAMPLES, deadline=None)
@given(before=files, file=files, dies_after=st.integers(0, 6))
def test_what_is_broken_off_and_done_again_ends_where_it_would_have_ended(county, before, file, dies_after):
    broken, whole = Codes(county), Codes(county)
    for here in (broken, whole):
        here.bring(before)
    broken.bring(file, dies_after)
    broken.bring(file)
    whole.bring(file)

    assert broken.shown() == whole.shown()


@settings(max_examples=EXAMPLES, deadline=None)
@given(before=files, file=files, breaker=st.booleans())
def test_a_preview_has_the_figures_of_the_import_after_it_and_changes_nothing(county, before, file, breaker):
    here = Codes(county)
    here.bring(before)
    versions = here.versions()
    options = ImportOptions() if breaker else ALL
    preview = here.bring(file, options=replace(options, dry_run=True))
    unchanged = here.versions()
    done = here.bring(file, options=options)

    assert unchanged == versions
    assert figures_of(preview) == figures_of(done)
    assert changes(preview.results) == changes(done.results)
    counted = asdict(figures_of(preview))
    assert sum(count for name, count in counted.items() if name != "emptied") == len(file)


@settings(max_examples=EXAMPLES, deadline=None)
@given(before=files, file=files)
def test_an_import_that_is_taken_back_leaves_what_was_before_and_can_be_repeated(county, before, file):
    here = Codes(county)
    here.bring(before)
    shown = here.shown()
    here.bring(file, sha256="a" * 64)
    afterwards = here.shown()
    conflicts = here.undo("a" * 64)

    assert conflicts == []
    assert here.shown() == shown
    here.bring(file, sha256="a" * 64)
    assert here.shown() == afterwards


class Codes:
    """Unused codes, by the names that the model gives them."""

    def __init__(self, county):
        self._county = county
        self._numbers = {str(name): next(numbers) for name in range(CODES)}
        self._source = f"source-{next(numbers)}"

    def bring(self, file, dies_after=None, options=ALL, sha256="0" * 64):
        sources = Direct(self._county)
        sources.dies_after = dies_after
        try:
            origin = ImportOrigin(self._source, "up-task/1", sha256=sha256)
            return imported(sources, outcomes_of(map(self._row, file)), options, origin)[0]
        except UpstreamDown:
            assert dies_after is not None
            return None

    def undo(self, sha256):
        request = UndoRequest(source=self._source, sha256=sha256)
        done = [undo_import(one.db, one.who, TESTER, request) for one in (self._county.guides, self._county.catalog)]
        return [conflict for outcome in done for conflict in outcome.conflicts]

    def by_hand(self, model, name, change):
        code, catalog = code_of(self._numbers[name]), self._county.catalog
        if not model.shows(name):
            return
        if change is None:
            model.withdraw_by_hand(name)
            self._county.withdraw(item(self._numbers[name]))
            return
        model.change_by_hand(name, *change)
        with self._county.dbs["catalog"].read() as session:
            row = editions.find(session, code)
            view = editions.view(session, catalog.who, row)
        catalog.save_item(TESTER, code, view["in_force"]["body"] | dict([change]), view["revision"])
        catalog.release_item(TESTER, code, Period(), None)

    def shown(self):
        found = {}
        with self._county.dbs["catalog"].write() as session:
            known = editions.standings(session, self._county.catalog.who, map(code_of, self._numbers.values()))
        for name, number in self._numbers.items():
            standing = known.get(code_of(number))
            if standing is not None and standing.state == "released":
                found[name] = {field: standing.released[field] for field in FIELDS if field in standing.released}
        return found

    def versions(self):
        codes = [code_of(number) for number in self._numbers.values()]
        query = "SELECT key, version FROM release ORDER BY 1, 2"
        return [
            one
            for service in ("catalog", "guides")
            for one in self._county.execute(service, query)
            if one[0].partition(":")[2] in codes
        ]

    def _row(self, said):
        deletes = {"cd_operation": "D"} if said.fields is None else {}
        silent = {"promise_day": None, "task_version": said.version}
        return exchange_row(self._numbers[said.code], **{**silent, **said.stated, **deletes})
