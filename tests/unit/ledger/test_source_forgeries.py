"""Whatever a forger inserts and whatever the broker loses, repeats or swaps, the ledger records what sources released.

Each key is recorded in order of its versions; every forgery is refused, and nothing is blocked.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.envelope.publication import Lane, Release
from shared.feeds.outbox import Draft, SourceFeed, emit
from shared.messaging.delivery import Message
from shared.transparency.source_signature import signed_text
from tests.harness.kinds import release_of
from tests.harness.pipeline import code_of, pipeline
from tests.harness.signing import forged, message, sign_releases

KINDS = {"catalog": "item", "guides": "guide"}
OTHER = {"catalog": "guides", "guides": "catalog"}
SOURCES = st.sampled_from(sorted(KINDS))
LANES = st.sampled_from(list(Lane))
NUMBERS = st.integers(1, 3)
OPERATIONS = st.one_of(
    st.tuples(st.just("release"), SOURCES, LANES, NUMBERS),
    st.tuples(st.just("deliver"), SOURCES, LANES, st.integers(0, 5)),
    st.tuples(st.just("forge"), SOURCES, LANES, st.sampled_from(["unsigned", "unknown", "other", "far", "altered"])),
    st.tuples(st.just("reconcile"), SOURCES, LANES, st.just(0)),
)


class World:
    """A county of two sources, a broker that delivers what the test says, and a forger."""

    def __init__(self, county):
        self.county = county
        self.versions: dict[str, int] = {}
        self.forged = 0
        self.refused = 0

    def release(self, source, lane, number):
        """Release the next version of a key in this lane."""
        key = f"{KINDS[source]}:{code_of(number)}"
        self.versions[key] = version = self.versions.get(key, 0) + 1
        draft_lane(self.county, source, key, version, lane)

    def deliver(self, source, lane, number):
        """Deliver some message of the lane, perhaps again, perhaps before earlier ones."""
        sent = SourceFeed(source, lane).messages(self.county.dbs[source], 0, 1000)
        if sent:
            assert self.county.intake.take([sent[number % len(sent)]]) == []

    def forge(self, source, lane, how):
        """Deliver something that the source has not released, under the next number."""
        heads = self.county.readers[source].heads()
        key = f"{KINDS[source]}:{code_of(9)}"
        one = release_of(key, {"a": "b"}, source=source, lane=lane, sequence=heads[lane] + 1)
        self.forged += 1
        self.refused += len(self.county.intake.take([self._made(one, how)]))

    def reconcile(self, _source, _lane, _number):
        self.county.intake.reconcile()

    def _made(self, one: Release, how: str) -> Message:
        if how == "unsigned":
            return message(forged(one, None))
        if how == "unknown":
            return message(forged(one))
        if how == "other":
            return message(self._signed(one, OTHER[one.source]))
        if how == "far":
            return message(self._signed(one.model_copy(update={"sequence": 10**9}), one.source))
        return message(self._signed(one, one.source).model_copy(update={"version": 7, **_resealed(one, 7)}))

    def _signed(self, one: Release, source: str) -> Release:
        return one.model_copy(
            update={"source_signature": self.county.dbs[source].release_signer.sign(signed_text(one))}
        )


def _resealed(one: Release, version: int) -> dict[str, str]:
    """Return the digest that fits another version: a forger can compute it but not sign it."""
    return {"digest": release_of(one.key, one.body, version=version).digest}


def draft_lane(county, source, key, version, lane):
    with county.dbs[source].write() as session:
        emit(session, source, [Draft(key, version, "release", "339921000000", {"v": version})], lane)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(OPERATIONS, max_size=14))
def test_the_ledger_holds_what_was_released_in_order_and_nothing_else(operations):
    with TemporaryDirectory() as folder, pipeline(Path(folder), channels=[]) as county:
        sign_releases(county)
        county.intake.reconcile()
        world = World(county)
        for name, *arguments in operations:
            getattr(world, name)(*arguments)
        county.intake.reconcile()
        entries = county.ledger.entries(0, 1000)

        assert world.refused == world.forged
        assert {(one.key, one.version) for one in entries} == set(_all(world.versions))
        assert len(entries) == sum(world.versions.values())
        assert all(_is_in_order(entries, key) for key in world.versions)


def _all(versions):
    return ((key, number) for key, newest in versions.items() for number in range(1, newest + 1))


def _is_in_order(entries, key):
    found = [one.version for one in entries if one.key == key]
    return found == sorted(found)
