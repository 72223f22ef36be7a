"""The pipeline as one picture: what each part has done, how far behind it is, how fast it is, and what is wrong."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from contracts.base import Json, format_time
from contracts.topology import AUDITOR, SOURCES
from services.console.operations.readings import LEDGER, Reading

OLD_HEAD_SECONDS = 60
"""Heads come every two seconds; an older one means that entries may be missing (at-three-in-the-morning.md)."""

LANES = {"live": "日常", "backfill": "导入"}
SOURCE_TITLES = {"catalog": "事项清单", "guides": "办事指南", "applications": "办理状态"}


class Health(StrEnum):
    """How a part is. `UNKNOWN`: it did not answer, so nobody can say more than since when."""

    GOOD = "good"
    BUSY = "busy"
    BAD = "bad"
    UNKNOWN = "unknown"


HEALTH_TITLES = {Health.GOOD: "正常", Health.BUSY: "正在追赶", Health.BAD: "需要处理", Health.UNKNOWN: "没有回答"}


@dataclass(frozen=True, slots=True)
class Part:
    """One service in the picture. Null: unknown. `behind`: what waits before it; `rate`: entries a minute."""

    name: str
    title: str
    health: Health
    done: int | None = None
    behind: int | None = None
    rate: float | None = None
    head_age: float | None = None
    notes: Sequence[str] = ()
    problem: str = ""
    facts: Json = field(default_factory=dict)

    def as_json(self) -> Json:
        """Return the part as the API tells it."""
        names = ("name", "title", "health", "done", "behind", "rate", "head_age", "problem")
        return {**{name: getattr(self, name) for name in names}, "notes": list(self.notes), **self.facts}


@dataclass(frozen=True, slots=True)
class Picture:
    """Every part at one time, in the order of the flow."""

    at: datetime
    sources: Sequence[Part]
    ledger: Part
    channels: Sequence[Part]
    auditor: Part

    def parts(self) -> Iterator[Part]:
        """Yield all parts in the order of the flow."""
        yield from (*self.sources, self.ledger, *self.channels, self.auditor)

    def channel(self, name: str) -> Part | None:
        """Return a channel's part, None if there is no such channel."""
        return next((one for one in self.channels if one.name == name), None)

    @property
    def wrong(self) -> int:
        """How many parts need somebody, or do not answer."""
        return sum(one.health in (Health.BAD, Health.UNKNOWN) for one in self.parts())

    def as_json(self) -> Json:
        """Return the picture as the API tells it."""
        parts = {part.name: part.as_json() for part in self.parts()}
        return {"at": format_time(self.at), "wrong": self.wrong, "parts": parts}


def drawn(readings: Mapping[str, Reading], titles: Mapping[str, str], rates: Mapping[str, float]) -> Picture:
    """Return the picture of one reading of all services. Pure but for the time of day."""
    now = datetime.now(UTC)
    ledger = readings[LEDGER]
    size = ledger.facts.get("size")
    return Picture(
        at=now,
        sources=[_source(readings[name], ledger.facts, rates) for name in SOURCES],
        ledger=_ledger(ledger, now, rates),
        channels=[_channel(readings[name], title, size, now, rates) for name, title in titles.items()],
        auditor=_auditor(readings[AUDITOR], size, now, rates),
    )


def _source(reading: Reading, ledger: Json, rates: Mapping[str, float]) -> Part:
    name, title = reading.service, SOURCE_TITLES[reading.service]
    if reading.problem:
        return Part(name, title, Health.UNKNOWN, problem=reading.problem)
    released: dict[str, int] = reading.facts["released"]
    recorded = ledger.get("recorded")
    lanes = {lane: count - recorded.get(f"{name}/{lane}", 0) for lane, count in released.items()} if recorded else {}
    notes = [f"{LANES.get(lane, lane)}通道等待入账 {count} 条" for lane, count in lanes.items() if count > 0]
    lost = [lane for lane, count in lanes.items() if count < 0]
    notes += [f"{LANES.get(lane, lane)}通道的发布比账本记录的少：可能恢复了旧备份" for lane in lost]
    behind = sum(count for count in lanes.values() if count > 0) if recorded is not None else None
    health = Health.BAD if lost else Health.BUSY if behind else Health.GOOD
    return Part(name, title, health, sum(released.values()), behind, rates.get(name), notes=notes)


def _ledger(reading: Reading, now: datetime, rates: Mapping[str, float]) -> Part:
    if reading.problem:
        return Part(LEDGER, "发布账本", Health.UNKNOWN, problem=reading.problem)
    facts, notes = reading.facts, []
    age = _age(facts["head"], now)
    if facts["refuses"]:
        notes.append(f"拒绝签名和入账：{facts['refuses'].get('reason', '')}")
    if facts["head"] is None:
        notes.append("还没有签过头，因此什么也不能发布")
    if facts["damaged"]:
        notes.append(f"自检发现 {facts['damaged']} 处损坏")
    if age is not None and age > OLD_HEAD_SECONDS:
        notes.append(f"最新签名头已有 {age:.0f} 秒")
    health = Health.BAD if notes else Health.GOOD
    return Part(LEDGER, "发布账本", health, facts["size"], None, rates.get(LEDGER), age, notes)


def _channel(reading: Reading, title: str, size: int | None, now: datetime, rates: Mapping[str, float]) -> Part:
    if reading.problem:
        return Part(reading.service, title, Health.UNKNOWN, problem=reading.problem)
    facts = reading.facts
    age = _age(facts["head"], now)
    behind = None if size is None else max(size - facts["position"], 0)
    notes = list(_channel_notes(facts, age))
    health = Health.BAD if notes else Health.BUSY if behind else Health.GOOD
    told = {name: facts[name] for name in ("parked", "halted", "paused", "drill")}
    return Part(
        reading.service, title, health, facts["position"], behind, rates.get(reading.service), age, notes, facts=told
    )


def _channel_notes(facts: Json, age: float | None) -> Iterator[str]:
    if facts["halted"]:
        yield f"已停止接收：账本与它见过的不一致（{facts['halted']['reason']}）"
    if facts["paused"]:
        yield f"已暂停：{facts['paused']['reason']}"
    if facts["parked"]:
        yield f"搁置 {facts['parked']} 条"
    if facts["drill"].get("good") is False:
        yield "最近一次演练没有通过"
    if age is not None and age > OLD_HEAD_SECONDS:
        yield f"最新签名头已有 {age:.0f} 秒"


def _auditor(reading: Reading, size: int | None, now: datetime, rates: Mapping[str, float]) -> Part:
    if reading.problem:
        return Part(AUDITOR, "核验员", Health.UNKNOWN, problem=reading.problem)
    facts = reading.facts
    notes = [
        f"{channel}：" + "、".join(f"{VERDICTS.get(verdict, verdict)} {count} 条" for verdict, count in found.items())
        for channel, found in facts["open"].items()
    ]
    health = Health.BAD if notes else Health.GOOD
    behind = None if size is None else max(size - facts["position"], 0)
    passes = {channel: full_pass(done, now) for channel, done in facts["channels"].items()}
    told = {"passes": passes}
    return Part(AUDITOR, "核验员", health, facts["position"], behind, rates.get(AUDITOR), notes=notes, facts=told)


VERDICTS = {"different": "内容不同", "missing": "缺少", "orphan": "多余", "stale": "过时"}


def full_pass(done: Mapping[str, Any], now: datetime) -> Json | None:
    """Return the oldest of a channel's complete readings: since then everything has been compared; None without one."""
    if not done:
        return None
    oldest = min(done.values(), key=lambda one: str(one["finished_at"]))
    checked = max(int(one["checked"]) for one in done.values())
    return {"finished_at": oldest["finished_at"], "age": _age(oldest["finished_at"], now), "checked": checked}


def _age(moment: str | None, now: datetime) -> float | None:
    return None if moment is None else max((now - datetime.fromisoformat(moment)).total_seconds(), 0.0)
