"""Rebuilds and drills, which take minutes: run in the background, one a channel, with their progress for the pages."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import orjson

from contracts.base import Json, format_time
from services.console.operations.actions import ACTION_TITLES, Action, Record, checked_reason
from services.console.upstream.services import Services
from shared.errors import Conflict, TongyuanError
from shared.tokens.person import Person

MOST_NAMED = 20


@dataclass
class Job:
    """One rebuild or drill. `done` of `of` entries are read; `problem` empty and `ended`: it went well."""

    action: Action
    channel: str
    by: str
    begun_at: str = field(default_factory=lambda: format_time(datetime.now(UTC)))
    done: int = 0
    of: int | None = None
    ended: bool = False
    problem: str = ""
    differences: list[str] = field(default_factory=list)
    count: int = 0

    def as_json(self) -> Json:
        """Return the job as the API tells it."""
        names = ("action", "channel", "by", "begun_at", "done", "of", "ended", "problem", "differences", "count")
        return {**{name: getattr(self, name) for name in names}, "title": ACTION_TITLES[self.action]}

    def note(self, step: Json) -> None:
        """Take a step that the channel told."""
        self.done = max(int(step.get("position", 0)), int(step.get("keys", 0)))
        self.of = int(step["of"]) if "of" in step else self.of
        if "failed" in step:
            self.problem = str(step["failed"])[:500]
        named = step.get("differences")
        if isinstance(named, list):
            self.differences, self.count = named[:MOST_NAMED], len(named)


class Jobs:
    """The newest job of each channel since this process started. Thread-safe."""

    def __init__(self, services: Services, record: Record) -> None:
        self._services, self._record = services, record
        self._turn = threading.Lock()
        self._newest: dict[str, Job] = {}

    def newest(self) -> Mapping[str, Job]:
        """Return the newest job of each channel."""
        with self._turn:
            return dict(self._newest)

    def begin(self, person: Person, action: Action, channel: str, reason: str) -> Job:
        """Begin it. Raises `Invalid` for a bad reason, `Conflict` while another job of the channel runs."""
        reason = checked_reason(reason)
        job = Job(action, channel, person.display_name)
        with self._turn:
            running = self._newest.get(channel)
            if running is not None and not running.ended:
                raise Conflict(f"{ACTION_TITLES[running.action]}正在进行，请等它结束")
            self._newest[channel] = job
        number = self._record.begin(person, action, channel, reason)
        threading.Thread(target=self._run, args=(job, number, person), name=f"{action}-{channel}", daemon=True).start()
        return job

    def _run(self, job: Job, number: int, person: Person) -> None:
        try:
            last: Json = {}
            for line in self._services.lines("POST", job.channel, str(job.action), person):
                last = orjson.loads(line)
                job.note(last)
            if not last.get("done") and not job.problem:
                job.problem = "中途断开，没有结果"
        except (TongyuanError, ValueError, TypeError) as error:
            job.problem = str(error)[:500] or type(error).__name__
        finally:
            # First the record: whoever sees that the job has ended finds it there.
            self._record.finish(person, number, job.problem, f"不同 {job.count} 条")
            job.ended = True
