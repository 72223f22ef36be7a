"""`python -m tongyuan_client.adapter`: this client behind the protocol of the conformance kit, JSON lines on stdio."""

import json
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tongyuan_client.reader import Ask, Reaction, Reader
from tongyuan_client.state import State
from tongyuan_client.trust import Trust

LEVEL = 2
Answer = dict[str, Any]


class Adapter:
    """One case at a time. `reader` makes what is examined: a deliberately wrong reader takes its place in a test."""

    reader = Reader

    def __init__(self, folder: Path) -> None:
        self._folder, self._cases = folder, 0
        self._now = datetime.now(UTC)
        self._state: State | None = None
        self._subject: Reader | None = None
        self._case: Answer = {}

    def answer(self, command: Answer) -> Answer:
        """Return the answer to one command."""
        match command["cmd"]:
            case "start":
                return {"protocol": 1, "name": "tongyuan-client", "language": "Python", "level": LEVEL}
            case "case":
                self._cases, self._case = self._cases + 1, command
                self._now = _moment(command["now"])
                self._begin(command["keys"])
                return {"ready": True}
            case "restart":
                self._begin([])
                return self._react(Reaction())
        return self._step(command)

    def _step(self, command: Answer) -> Answer:
        reader, state = self._required()
        with state.transaction():
            match command["cmd"]:
                case "open":
                    reaction = reader.opened(command["epoch"], command["size"])
                case "event":
                    reaction = reader.event(command.get("raw", command.get("event")))
                case "page":
                    reaction = reader.page(command["entries"], command["size"])
                case "entry":
                    reaction = reader.entry(command["entry"])
                case "keys":
                    reaction = reader.keys(command["keys"])
                case _:
                    self._now = _moment(command["now"])
                    reaction = reader.time()
        return self._react(reaction)

    def _begin(self, keys: list[str]) -> None:
        """Open the case's stored state, as the program does when it starts."""
        if self._state is not None:
            self._state.close()
        self._state = State(self._folder / f"case-{self._cases}.db")
        trust = Trust(self._state, keys, lambda: self._now) if self._case["level"] == LEVEL else None
        self._subject = self.reader(self._state, trust, lambda: self._now)

    def _required(self) -> tuple[Reader, State]:
        if self._subject is None or self._state is None:
            raise ValueError("a case begins with the command `case`")
        return self._subject, self._state

    def _react(self, reaction: Reaction) -> Answer:
        subject, state = self._required()
        return {
            "deliver": [
                {"key": one.key, "version": one.version, "op": one.op, "body": one.body} for one in reaction.deliver
            ],
            "ask": [_ask(one) for one in reaction.ask],
            "parked": reaction.parked,
            "refused": reaction.refused,
            "reset": reaction.reset,
            "halted": subject.halted is not None,
            "stale": subject.stale,
            "position": state.position,
        }


def _ask(ask: Ask) -> Answer:
    return {"what": ask.what} | ({"position": ask.position} if ask.position else {})


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def main(kind: type[Adapter] = Adapter) -> None:
    """Answer every line until the input ends or `stop` comes."""
    with tempfile.TemporaryDirectory() as folder:
        adapter = kind(Path(folder))
        for line in sys.stdin:
            command = json.loads(line)
            if command["cmd"] == "stop":
                return
            sys.stdout.write(json.dumps(adapter.answer(command), ensure_ascii=False) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
