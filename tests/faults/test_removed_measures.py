"""Each safety measure is taken away in turn, and the checker must go red: else the fault tests would test nothing.

A scenario is one small history with one fault in it. With the measure the checker finds nothing; without it exactly the
rules that the table names are broken.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import orjson
import pytest
from sqlalchemy import text

from services.channels.api import queries
from services.channels.core import store as channel_store
from services.channels.core.channel import Channel
from services.channels.core.documents import row_of
from services.channels.core.port import adapters
from services.channels.core.store import ChannelStore, in_time, put
from services.channels.trust.continuity import Continuity
from services.channels.trust.proven_log import ProvenLog
from services.ledger.log import append as ledger_commands
from services.ledger.signing.signed_head_store import SignedHeadStore
from services.ledger.sources import source_lane as ledger_lane
from shared.errors import TongyuanError, Unavailable, Unconfirmed
from shared.feeds import follower
from shared.messaging.delivery import Message
from shared.tokens.access import actor_of, needs
from shared.tokens.person import Actor
from shared.tokens.rights import Right
from tests.harness.actors import TESTER
from tests.harness.forging import forged_next
from tests.harness.history import Dump, fingerprint, mark_of_change
from tests.harness.invariants import check
from tests.harness.moments import ahead_of_time
from tests.harness.pipeline import item
from tests.harness.projecting import REGION
from tests.harness.rabbitmq import wait_until
from tests.harness.simulation import Killed, Simulation, simulated


@dataclass(frozen=True)
class Measure:
    """What is removed, by what, what happens then, and which rules must be broken by it."""

    name: str
    remove: Callable[[pytest.MonkeyPatch, Simulation], None]
    happens: Callable[[Simulation], None]
    broken: set[str]


MEASURES: list[Measure] = []


def without(name, *broken, happens):
    """The decorated function removes the measure."""

    def keep(remove):
        MEASURES.append(Measure(name, remove, happens, set(broken)))
        return remove

    return keep


# ---- what happens -----------------------------------------------------------------------------------------------


def flow(run):
    """Relays go on, whatever is refused; nobody compares himself with anybody."""
    for _ in range(3):
        for relay in run.county.relays:
            with suppress(TongyuanError):
                while relay.step():
                    pass
        with suppress(TongyuanError):
            run.county.standing.sign()
    run.look()


def a_batch_is_not_confirmed(run):
    deliver = run.county.bus.deliver
    refused = iter([True])

    def once(exchange, messages):
        if next(refused, False):
            raise Unavailable("the broker says nothing")
        deliver(exchange, messages)

    run.county.bus.deliver = once
    run.edit(1, "release")
    flow(run)


def the_ledgers_database_is_down_for_a_moment(run):
    database = run.county.dbs["ledger"]
    write, down = database.write, [True]

    def once():
        if down:
            down.clear()
            raise Unavailable("database: down")
        return write()

    # Of a source whose keys are not known yet a message is a hint only, and its feed is asked.
    run.county.intake.reconcile()
    database.write = once
    run.edit(1, "release")
    flow(run)
    assert down == []


def a_channel_dies_at_every_commit(run):
    for passage in range(4):
        run.edit(passage, "release")
        run.county.relays[0].step()
        for relay in run.county.relays:
            if relay.name == "web":
                run.commits_to_live = passage
                with suppress(Killed):
                    relay.step()
                run.commits_to_live = None
        run.restart()
    flow(run)


def a_channel_misses_an_entry(run):
    run.edit(1, "release")
    run.county.relays[0].step()
    for relay in run.county.relays:
        if relay.name == "web":
            deliver, run.county.bus.deliver = run.county.bus.deliver, lambda _exchange, _messages: None
            relay.step()
            run.county.bus.deliver = deliver
    run.edit(2, "release")
    flow(run)


def an_import_arrives_after_its_successor(run):
    from services.catalog.commands import ItemImport

    run.county.catalog.import_items(TESTER, ItemImport(rows=[item(1, "第一版").model_dump(mode="json")]))
    run.edit(1, "release")
    live = [relay for relay in run.county.relays if relay.name == "live"]
    for relay in live:
        relay.step()
    flow(run)


def two_sequencers_read_the_size_before_either_writes(run):
    run.edit(1, "release")
    flow(run)
    run.edit(2, "release")
    run.county.relays[0].step()
    run.edit(3, "release")
    flow(run)


def a_later_version_is_shown_before_an_earlier_ones_time_has_come(run):
    def overtaken(moment):
        run.county.release(item(1, "先定后到"), effective_at=moment)
        run.edit(1, "release")
        flow(run)
        return moment

    soon = ahead_of_time(overtaken)
    wait_until(lambda: datetime.now(UTC) > soon, "time stands still")
    for channel in run.county.channels.values():
        channel.turn_pages()
    run.look()


def a_client_comes_back_to_a_channel_that_began_anew(run):
    for number in (1, 2, 3):
        run.edit(number, "release")
    flow(run)
    client: dict[str, object] = {}
    cursor = sync(run, client, "0")
    run.county.execute("web", "DELETE FROM document")
    run.county.execute("web", "UPDATE state SET position = 0, change = 0, epoch = 'another life'")
    run.restart()
    run.edit(1, "release")
    run.history.lines = [line for line in run.history.lines if line.op != "saw"]
    run.cursors["web"] = "0"
    flow(run)
    run.county.channels["web"].reconcile()
    run.look()
    sync(run, client, cursor)
    position = run.county.channels["web"].position()
    marks = {key: mark_of_change(change) for key, change in client.items()}
    content = {key: fingerprint(change["document"]) for key, change in client.items()}
    run.history.channels["a client of web"] = Dump(position, marks, content=content, projected=content)


def sync(run, client, cursor):
    """What a client does with `/changes`, 410 included; its next cursor."""
    with run.county.dbs["web"].read() as session:
        try:
            after = queries.cursor(session, cursor)
        except queries.StartOver:
            client.clear()
            after = 0
        for row in queries.changes(session, after, 500):
            change = orjson.loads(queries.change_json(row))
            client[change["key"]] = change
        return queries.freshness(session)["cursor"]


def a_second_process_applies_to_the_same_store(run):
    run.edit(1, "release")
    flow(run)
    first = run.county.channels["web"]
    second = Channel(first.db, adapters()["web"], run.county.ledger)
    second.take(run.county.ledger_messages())
    for number in (2, 3):
        run.edit(number, "release")
    flow(run)
    second.take(run.county.ledger_messages()[1:2])
    run.look()


def a_message_is_altered_on_its_way(run):
    deliver = run.county.bus.deliver

    def altering(exchange, messages):
        if exchange == "web":
            messages = [replace(m, body=m.body.replace("居民".encode(), "公民".encode())) for m in messages]
        deliver(exchange, messages)

    run.county.release(item(1, "居民身份证办理"))
    run.county.bus.deliver = altering
    flow(run)
    run.county.bus.deliver = deliver
    run.county.channels["web"].reconcile()
    run.look()


def the_ledgers_account_lies(run):
    run.edit(1, "release")
    flow(run)
    run.history.add("nemesis", "inject", key="forged", what="dead")
    run.county.bus.deliver("web", [forged_next(run.county, item(2, "从未发布"))])
    run.look()
    flow(run)


def an_entry_cannot_be_shown(run):
    body = item(1).model_dump(mode="json")
    del body["task_name"]
    run.county.emit("catalog", f"item:{item(1).code}", body)
    run.edit(2, "release")
    flow(run)


def garbage_arrives(run):
    run.history.add("nemesis", "inject", key="garbage", what="dead")
    run.county.bus.deliver("web", [Message(b"{", f"{REGION}.item.release", "garbage")])
    run.edit(1, "release")
    flow(run)


def a_stranger_writes(run):
    body = item(1).model_dump(mode="json")
    answer = run.county.http.put(f"/catalog/v1/items/{item(1).code}", json=body)
    run.history.add("stranger", "write", "ok" if answer.is_success else "fail", what="catalog")
    flow(run)


def the_ledger_comes_back_older_and_later_as_it_was(run):
    """A stranger outside reads its heads all the while."""
    store = run.county.settings.data_dir / "ledger.db"
    run.edit(1, "release")
    flow(run)
    older = rest(run, store)
    run.edit(2, "release")
    flow(run)
    hear(run)
    newest = rest(run, store)
    for content in (older, newest):
        store.write_bytes(content)
        run.restart()
        run.edit(3, "release")
        flow(run)
        hear(run)
        rest(run, store)


def rest(run, store):
    """The store, with all that was in its journal."""
    run.county.dbs["ledger"].engine.dispose()
    content = store.read_bytes()
    for journal in store.parent.glob(f"{store.name}-*"):
        journal.unlink()
    return content


def hear(run):
    head = run.county.ledger.head()
    run.history.add("stranger", "head", value=head.size, digest=head.root, note=head.checkpoint)


# ---- the measures -----------------------------------------------------------------------------------------------


@without("a row counts as sent only after its confirm", "S1", happens=a_batch_is_not_confirmed)
def confirms_are_ignored(patch, run):
    publisher = run.county.bus.publisher
    patch.setattr(run.county.bus, "publisher", lambda exchange: Careless(publisher(exchange)))


class Careless:
    """A publisher that returns without a confirm, too."""

    def __init__(self, publisher):
        self._publisher, self.close = publisher, publisher.close

    def publish(self, messages):
        with suppress(TongyuanError):
            self._publisher.publish(messages)


@without("what a handler did not take is not acknowledged", "S1", happens=the_ledgers_database_is_down_for_a_moment)
def everything_is_acknowledged(patch, run):
    deliver = run.county.bus.deliver

    def careless(exchange, messages):
        with suppress(Unconfirmed):
            deliver(exchange, messages)

    patch.setattr(run.county.bus, "deliver", careless)


@without("effect and position are one transaction", "S6", happens=a_channel_dies_at_every_commit)
def the_position_moves_first(patch, run):
    def apply(self, entries):
        with self.db.write() as session:
            session.connection().execute(text("UPDATE state SET position = :to"), {"to": entries[-1].position})
        due, later = in_time([row_of(self.adapter, entry) for entry in entries], datetime.now(UTC))
        with self.db.write() as session:
            count = text("UPDATE state SET change = change + :n RETURNING change")
            change = session.connection().execute(count, {"n": len(due)}).scalar_one()
            put(session, due, later, change - len(due))

    patch.setattr(ChannelStore, "apply", apply)


@without("a gap is fetched before what follows it", "S6", happens=a_channel_misses_an_entry)
def gaps_are_jumped(patch, run):
    def jumping(channel):
        def advance(entries):
            for entry in entries:
                with channel.db.write() as session:
                    jump = text("UPDATE state SET position = :before WHERE position < :before")
                    session.connection().execute(jump, {"before": entry.position - 1})
                channel.apply([entry])

        return advance

    for channel in run.county.channels.values():
        patch.setattr(channel.follower, "advance", jumping(channel))


@without("the ledger ignores a version that it has", "S5", "S7", happens=an_import_arrives_after_its_successor)
def versions_are_recorded_again(patch, run):
    record = ledger_commands.record

    def careless(session, releases, signer):
        made = record(session, releases, signer)
        recorded = {(one.key, one.version) for one in made}
        for release in releases:
            if (release.key, release.version) not in recorded:
                forgotten = {"key": release.key, "before": release.version - 1}
                session.connection().execute(text("UPDATE key SET version = :before WHERE key = :key"), forgotten)
                made += record(session, [release], signer)
        return made

    patch.setattr(ledger_lane, "record", careless)
    forget_constraints(run, "entry")


@without("the size is read under a lock", "S5", happens=two_sequencers_read_the_size_before_either_writes)
def the_size_is_read_too_early(patch, run):
    sizes = iter([0, 1, 1])
    locked = ledger_commands.locked_size
    patch.setattr(ledger_commands, "locked_size", lambda session: next(sizes, locked(session)))
    forget_constraints(run, "entry")
    forget_constraints(run, "key")
    run.county.execute("ledger", "CREATE UNIQUE INDEX by_key ON key (key)")


@without(
    "an older version never replaces a newer one", "S3", "S6",
    happens=a_later_version_is_shown_before_an_earlier_ones_time_has_come,
)  # fmt: skip
def the_last_writer_wins(patch, run):
    statement = str(channel_store.SHOW_AGAIN).partition("WHERE")[0]
    patch.setattr(channel_store, "SHOW_AGAIN", text(statement))
    patch.setattr(channel_store, "OVERTAKEN", [one for one in channel_store.OVERTAKEN if "parked" in one.text])


@without("a cursor belongs to one life of a channel", "S6", happens=a_client_comes_back_to_a_channel_that_began_anew)
def any_cursor_is_good(patch, run):
    patch.setattr(queries, "cursor", lambda _session, since: int(since.rpartition(".")[2]))


@without("a position moves only from where it is", "S6", happens=a_second_process_applies_to_the_same_store)
def a_position_moves_from_anywhere(patch, run):
    anywhere = channel_store.MOVE.returning.replace("position = :before", ":before >= 0")
    patch.setattr(channel_store, "MOVE", replace(channel_store.MOVE, returning=anywhere))
    # An entry that continues nothing would be found by the roots too: another measure.
    patch.setattr(Continuity, "require_continued", lambda _self, _entries: None)


@without("content must fit its digest", "S6", happens=a_message_is_altered_on_its_way)
def digests_are_not_compared(patch, run):
    patch.setattr(follower, "checked", lambda entry: entry)


@without("nothing is shown that is not proven to be in the ledger", "S2", "S6", happens=the_ledgers_account_lies)
def messages_are_believed(patch, run):
    patch.setattr(ProvenLog, "proven", lambda _self, entry: entry)
    patch.setattr(Continuity, "require_continued", lambda _self, _entries: None)


@without("what cannot be shown is parked with its reason", "S6", happens=an_entry_cannot_be_shown)
def poison_is_dropped(patch, run):
    patch.setattr(channel_store, "park", lambda *_: None)


@without("what is refused is kept", "S13", happens=garbage_arrives)
def refusals_are_forgotten(patch, run):
    run.county.bus.on_refused = lambda *_: None


@without("the signer remembers what it has signed", "S8", happens=the_ledger_comes_back_older_and_later_as_it_was)
def the_signer_believes_any_ledger(patch, run):
    patch.setattr(SignedHeadStore, "require", lambda *_, **__: None)


@without("who writes must have the right to", "S14", happens=a_stranger_writes)
def everybody_is_an_editor(patch, run):
    from services.catalog import api

    make = api.make

    def open_to_all(*arguments):
        made = make(*arguments)
        made.dependency_overrides[needs(Right.WRITE)] = lambda: None
        made.dependency_overrides[actor_of] = lambda: Actor("stranger")
        return made

    patch.setattr(api, "make", open_to_all)


def forget_constraints(run, table):
    """The database would refuse it too: a measure below the measure."""
    for statement in (
        f"CREATE TABLE bare AS SELECT * FROM {table}", f"DROP TABLE {table}", f"ALTER TABLE bare RENAME TO {table}",
    ):  # fmt: skip
        run.county.execute("ledger", statement)


# ---- the tests --------------------------------------------------------------------------------------------------


def verdict(tmp_path, measure, patch=None):
    with simulated(tmp_path) as run:
        run.honest = True
        if patch is not None:
            measure.remove(patch, run)
        measure.happens(run)
        run.call_the_roll()
        return check(run.history)


@pytest.mark.parametrize("measure", MEASURES, ids=lambda one: one.name)
def test_with_the_measure_nothing_is_broken(tmp_path, measure):
    assert verdict(tmp_path, measure) == {}


@pytest.mark.parametrize("measure", MEASURES, ids=lambda one: one.name)
def test_without_the_measure_the_checker_goes_red(tmp_path, measure, monkeypatch):
    broken = verdict(tmp_path, measure, monkeypatch)

    assert measure.broken <= set(broken), broken
