"""Sets under restarts, clock steps and deaths at any commit: none is shown early, by half, or missed in silence."""

import os
import random
import sqlite3
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import orjson
import pytest

from services.channels.core import store
from shared.errors import Conflict, TongyuanError
from shared.publishing.sets import commands
from shared.publishing.sets.requests import CancelRequest, CompleteRequest, PrepareRequest
from shared.text.validation import parse
from shared.tokens.person import SYSTEM
from tests.harness.pipeline import code_of, guide, item
from tests.harness.simulation import CHANNELS, Killed, simulated
from tests.harness.wall_clock import WallClock

SEED = int(os.environ.get("TONGYUAN_FAULT_SEED") or 20261130)
SETS, STEPS = 4, 110
SHOWN = "SELECT key, content FROM document WHERE content IS NOT NULL AND kind != 'act'"
CANCELS = ("cancelling", "cancelled")
STEP = timedelta(minutes=1)
SPAN = 30
"""Minutes within which sets begin."""


class Schedule:
    """Sets of two items and a guide each, whose steps are taken in an order that the seed draws."""

    def __init__(self, run, clock, folder, seed):
        self.run, self.clock, self.folder = run, clock, folder
        self.draw = random.Random(seed)
        self.ahead = self.furthest = timedelta(0)
        self.began = datetime.now(UTC)
        self.at = {number: self.began + STEP * self.draw.randrange(2, SPAN) for number in range(SETS)}
        self.recorded = {number: {} for number in range(SETS)}
        self.ended = dict.fromkeys(range(SETS), None)
        self.seen = {}
        for number in range(SETS):
            self._release(number, "旧")
        run.honest = True
        run.county.flow()
        for number in range(SETS):
            self._save(number, f"新{number}")
        run.honest = False

    def act_on(self, number):
        """Take one step of a set, as a desk does that has forgotten which it took."""
        who = {"catalog": self.run.county.catalog, "guides": self.run.county.guides}
        known = self.recorded[number]
        missing = [name for name in who if name not in known]
        choice = self.draw.random()
        if self.ended[number] in CANCELS or (self.ended[number] is None and choice < 0.05):
            self.ended[number] = self._cancel(number, who)
        elif missing:
            name = self.draw.choice(missing)
            asked = {"part_of": key_of(number), "effective_at": self.at[number], "plans": "keep"}
            asked["members"] = [{"code": code} for code in codes_of(number)[name]]
            with who[name].db.write() as session:
                known[name] = commands.prepare(
                    session, who[name].who, SYSTEM, parse(PrepareRequest, asked), who[name].checked_draft
                )
        elif self._is_recorded(known):
            members = [{n: one[n] for n in ("key", "version", "digest")} for some in known.values() for one in some]
            asked = {"part_of": key_of(number), "effective_at": self.at[number], "members": members}
            with who["catalog"].db.write() as session:
                commands.complete(session, who["catalog"].who, SYSTEM, parse(CompleteRequest, asked))
            self.ended[number] = "complete"

    def step_clock(self):
        """Set the channels' clock forward, or back by less than a version's wait."""
        span = STEP * self.draw.choice([1, 2, 5, -1, -3])
        self.clock.forward(span)
        self.ahead += span
        self.furthest = max(self.furthest, self.ahead)

    def look(self):
        """Every set is shown whole or not at all, and none before its time."""
        for channel in CHANNELS:
            with sqlite3.connect(self.folder / f"{channel}.db") as reader:
                rows = reader.execute(SHOWN).fetchall()
            shown = {key: name_in(orjson.loads(content)) for key, content in rows}
            for number in range(SETS):
                names = {shown[key] for key in keys_of(number) if key in shown}
                assert len(names) == 1, f"half of set {number} on {channel}: {names}"
                if names == {f"新{number}"}:
                    assert datetime.now(UTC) + self.furthest >= self.at[number], f"set {number} early on {channel}"
                    self.seen[(channel, number)] = True

    def judge(self):
        """After everything has healed: what was completed is shown, what was cancelled is not."""
        self.look()
        for number, end in self.ended.items():
            for channel in CHANNELS:
                assert ((channel, number) in self.seen) == (end == "complete"), (number, end, channel)

    def finish(self):
        """Take the open steps without faults, and let the last time pass."""
        for _ in range(4):
            for number in range(SETS):
                if self.ended[number] != "complete":
                    self.act_on(number)
            self.run.heal()
        self.clock.forward(STEP * 2 * SPAN)
        self.furthest += STEP * 2 * SPAN
        self.run.heal()
        for channel in self.run.county.channels.values():
            channel.turn_pages()

    def _cancel(self, number, who):
        """Take the members back; if the act is released already, the set counts. Return how it has ended."""
        self.ended[number] = "cancelling"
        for name in ("catalog", "guides"):
            asked = parse(CancelRequest, {"part_of": key_of(number), "codes": codes_of(number)[name]})
            try:
                with who[name].db.write() as session:
                    commands.cancel(session, who[name].who, SYSTEM, asked)
            except Conflict:
                return "complete"
        return "cancelled"

    def _is_recorded(self, known):
        statement = "SELECT 1 FROM entry WHERE key = :key AND version = :version"
        members = [one for some in known.values() for one in some]
        return all(
            self.run.county.execute("ledger", statement, key=one["key"], version=one["version"]) for one in members
        )

    def _release(self, number, name):
        for one in (*items_of(number, name), guide_of(number, name)):
            self.run.county.release(one)

    def _save(self, number, name):
        for one in items_of(number, name):
            self.run.county.catalog.save_item(SYSTEM, one.code, one.model_dump(mode="json"), 2)
        one = guide_of(number, name)
        self.run.county.guides.save_guide(SYSTEM, one.code, one.model_dump(mode="json"), 2)


def items_of(number, name):
    return [item(2 * number, name), item(2 * number + 1, name)]


def guide_of(number, name):
    return guide(2 * number, name)


def name_in(document):
    return document.get("task_name") or document["name"]


def codes_of(number):
    return {"catalog": [code_of(2 * number), code_of(2 * number + 1)], "guides": [code_of(2 * number)]}


def keys_of(number):
    return [f"item:{code}" for code in codes_of(number)["catalog"]] + [f"guide:{code_of(2 * number)}"]


def key_of(number):
    return f"act:catalog-set-{number + 1}"


def survive(folder, seed, monkeypatch):
    """Run one schedule."""
    with simulated(folder, seed) as run:
        schedule = Schedule(run, WallClock(monkeypatch, store), folder, seed)
        acts = [
            lambda: schedule.act_on(schedule.draw.randrange(SETS)), run.relay, run.relay, run.relay, run.reconcile,
            lambda: schedule.draw.choice(list(run.county.channels.values())).turn_pages(), schedule.step_clock,
        ]  # fmt: skip
        for _ in range(STEPS):
            run.commits_to_live = schedule.draw.randrange(5) if schedule.draw.random() < 0.15 else None
            try:
                with suppress(TongyuanError):
                    schedule.draw.choice(acts)()
            except Killed:
                run.struck.append("kill")
                run.restart()
            run.commits_to_live = None
            schedule.look()
        schedule.finish()
        schedule.judge()
        return run.struck, schedule


@pytest.mark.parametrize("seed", range(SEED, SEED + 6))
def test_no_set_is_shown_early_by_half_or_missed(tmp_path, monkeypatch, seed):
    struck, schedule = survive(tmp_path, seed, monkeypatch)

    assert "kill" in struck
    assert any(end for end in schedule.ended.values())


@pytest.mark.long
@pytest.mark.timeout(36_000)
def test_ten_thousand_sets_are_shown_whole_and_at_their_time(tmp_path, monkeypatch):
    for seed in range(10_000 // SETS):
        (tmp_path / str(seed)).mkdir()
        survive(tmp_path / str(seed), seed, monkeypatch)
