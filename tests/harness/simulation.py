"""Many faults per second: a county without sockets, whose network misbehaves and whose processes die at any commit.

Everything is drawn from a seed.

    with simulated(tmp_path, seed) as run: run.rage(200); run.heal(); judge(run.history)
"""

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import event
from sqlmodel import Session

from contracts.base import Json
from services.catalog.commands import ItemImport
from services.channels.api import queries
from services.ledger.signing.heads import sign_head
from shared.database.engine import Database
from shared.errors import TongyuanError, Unconfirmed
from shared.messaging.delivery import Message
from shared.publishing.editions import Plans
from tests.harness.actors import TESTER
from tests.harness.history import History, mark_of_change
from tests.harness.pipeline import SERVICE, Pipeline, guide, item
from tests.harness.witnesses import DRAFT_WORD, roll_call

CHANNELS = ("web", "kiosk")
ITEMS = 4
WAYS = ("well", "twice", "shuffled", "cut short", "lost", "unconfirmed", "late")


class Killed(BaseException):
    """kill -9 at this moment: no handler of ours may catch it."""


class Reborn(Pipeline):
    """A pipeline over the same stores and nothing else, as a restarted process finds them."""

    def __init__(self, former: Pipeline) -> None:
        self._former = former
        super().__init__(former.place, former.settings.data_dir, list(former.channels))

    def _database(self, service: str) -> Database:
        return self._former.dbs[service]


class Simulation:
    """One run. Every choice comes from `draw`; `struck` lists the faults.

    `commits_to_live`: how many moments before or after a commit the processes survive; None: all of them. `cursors`:
    where the reader of each channel is.
    """

    def __init__(self, folder: Path, seed: int = 0) -> None:
        self.draw = random.Random(seed)
        self.history = History(drafts={DRAFT_WORD})
        self.struck: list[str] = []
        self.county = Pipeline(folder, channels=CHANNELS)
        self.honest = False
        self._late: list[tuple[str, list[Message]]] = []
        self.cursors = dict.fromkeys(CHANNELS, "0")
        self.commits_to_live: int | None = None
        self._rewire()

    def rage(self, steps: int) -> None:
        """Run that many steps: editors write, relays send, readers read; in every fifth step a process may die."""
        acts: list[Callable[[], object]] = [
            self.edit, self.edit, self.import_some, self.relay, self.relay, self.relay, self.sign, self.look,
            self.reconcile,
        ]  # fmt: skip
        for _ in range(steps):
            self.commits_to_live = self.draw.randrange(6) if self.draw.random() < 0.2 else None
            try:
                with suppress(TongyuanError):
                    self.draw.choice(acts)()
            except Killed:
                self.struck.append("kill")
                self.restart()
            self.commits_to_live = None

    def heal(self) -> None:
        """Restore the network, deliver everything, and collect the state."""
        self.honest = True
        self.commits_to_live = None
        for _ in range(2):
            self.county.intake.reconcile()
            self.county.flow()
            for channel in self.county.channels.values():
                channel.reconcile()
            self.look()
        self.call_the_roll()

    def call_the_roll(self) -> None:
        """Record what every place holds now."""
        roll_call(self.history, self._get, self.county.channels)

    def restart(self) -> None:
        """Drop everything in memory."""
        self.county = Reborn(self.county)
        self._rewire()

    def edit(self, number: int | None = None, verb: str | None = None) -> None:
        """Release or withdraw, and record what was acknowledged."""
        number = self.draw.randrange(ITEMS) if number is None else number
        one: Any = item(number, f"{self.draw.random()}")
        if self.draw.random() < 0.2:
            one = guide(number, f"{self.draw.random()}")
        began = self.history.now()
        if (verb or self.draw.choice(["release"] * 4 + ["withdraw"])) == "release":
            made = self.county.release(one, plans=Plans.CANCEL)
            self.history.add("editor", "release", began=began, key=made.key, version=made.version, digest=made.digest)
        else:
            self.county.withdraw(one, plans=Plans.CANCEL)

    def import_some(self) -> None:
        """Import a file of three rows on the other lane."""
        rows = [item(self.draw.randrange(ITEMS), f"{self.draw.random()}").model_dump(mode="json") for _ in range(3)]
        self.county.catalog.import_items(TESTER, ItemImport(rows=rows))

    def relay(self) -> None:
        """Send one batch of one relay."""
        self.draw.choice(self.county.relays).step()

    def sign(self) -> None:
        """Sign the next head."""
        sign_head(self.county.dbs["ledger"], self.county.signer)

    def reconcile(self) -> None:
        """Reconcile one service with the one before it."""
        compare: list[Callable[[], int]] = [self.county.intake.reconcile]
        compare += [channel.reconcile for channel in self.county.channels.values()]
        self.draw.choice(compare)()

    def look(self) -> None:
        """Read at each channel as a syncing client and a witness of heads."""
        for channel in self.county.channels:
            began = self.history.now()
            with self.county.dbs[channel].read() as session:
                after = queries.cursor(session, self.cursors[channel])
                rows = queries.changes(session, after, 500)
                freshness = queries.freshness(session)
            said: list[Json] = [orjson.loads(queries.change_json(row)) for row in rows]
            self.history.saw(f"reader of {channel}", channel, map(mark_of_change, said), began)
            self.cursors[channel] = freshness["cursor"]
            if head := freshness["head"]:
                heard = {"value": head["size"], "digest": head["root"], "note": head["checkpoint"]}
                self.history.add(channel, "head", **heard)

    def close(self) -> None:
        """Close every database."""
        self.county.close()

    def commit_is_near(self, _session: Session) -> None:
        """Called before and after every commit of any service: the moment to die may have come."""
        if self.commits_to_live is not None:
            self.commits_to_live -= 1
            if self.commits_to_live < 0:
                self.commits_to_live = None
                raise Killed

    def _rewire(self) -> None:
        bus = self.county.bus
        deliver = bus.deliver
        bus.on_refused = self._bury
        bus.deliver = lambda exchange, messages: self._deliver(deliver, exchange, messages)  # type: ignore[method-assign]

    def _bury(self, _name: str, message: Message, _reason: str) -> None:
        self.history.dead.add(message.message_id)

    def _deliver(
        self, deliver: Callable[[str, Sequence[Message]], None], exchange: str, messages: Sequence[Message]
    ) -> None:
        """The network: it duplicates, swaps, delays and loses messages, and reports that or not."""
        way = "well" if self.honest or self.draw.random() < 0.4 else self.draw.choice(WAYS[1:])
        batch = list(messages)
        if way != "well":
            self.struck.append(way)
        if way == "twice":
            batch = batch * 2
        elif way == "shuffled":
            self.draw.shuffle(batch)
        elif way == "cut short":
            del batch[self.draw.randrange(len(batch)) :]
        elif way == "late":
            self._late.append((exchange, batch))
        if way == "lost":
            return
        if way != "late":
            deliver(exchange, batch)
        if self._late and self.draw.random() < 0.3:
            deliver(*self._late.pop(self.draw.randrange(len(self._late))))
        if way in ("unconfirmed", "cut short", "late"):
            raise Unconfirmed("the network says nothing")

    def _get(self, service: str, path: str, **params: Any) -> Any:
        answer = self.county.get(f"{service}/v1/{path}", SERVICE, **params)
        answer.raise_for_status()
        return answer.json()


@contextmanager
def simulated(folder: Path, seed: int = 0) -> Iterator[Simulation]:
    """Return a simulation whose processes can die; closed at the end."""
    run = Simulation(folder, seed)
    for name in ("before_commit", "after_commit"):
        event.listen(Session, name, run.commit_is_near)
    try:
        yield run
    finally:
        for name in ("before_commit", "after_commit"):
            event.remove(Session, name, run.commit_is_near)
        run.close()
