"""Deliberately wrong readers: our client with one rule broken, so that the conformance kit can be seen to find it.

`python -m tests.harness.wrong_readers FAULT…` answers the kit's protocol with these faults.
"""

import base64
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tongyuan_client import entry, merkle, notes, reader, state, trust
from tongyuan_client.adapter import Adapter, main
from tongyuan_client.errors import Refused
from tongyuan_client.reader import Ask, Event, Reader
from tongyuan_client.state import State
from tongyuan_client.trust import Trust

Set = Callable[[Any, str, Any], None]
"""setattr, or what a test undoes afterwards."""

FAULTS: dict[str, tuple[str, Callable[[Set], None]]] = {}
"""Fault → the case that must find it, and how it is made."""


def fault(case: str) -> Callable[[Callable[[Set], None]], Callable[[Set], None]]:
    def register(make: Callable[[Set], None]) -> Callable[[Set], None]:
        FAULTS[make.__name__.replace("_", " ")] = (case, make)
        return make

    return register


@fault("a-duplicate-is-delivered-once")
def delivers_duplicates(put: Set) -> None:
    def hint(self: Reader, one: Any, out: Any) -> None:
        if one.position <= self.state.position:
            out.deliver.append(Event(one.position, one.key, one.version, one.op, one.body, one.raw))
        else:
            _hint(self, one, out)

    _hint = Reader._hint
    put(Reader, "_hint", hint)


@fault("a-gap-is-asked-for-before-anything-behind-it-is-delivered")
def passes_over_gaps(put: Set) -> None:
    put(Reader, "_hint", lambda self, one, out: self._take(one, out))


@fault("a-page-with-a-hole-is-taken-up-to-the-hole")
def takes_pages_with_holes(put: Set) -> None:
    def page(self: Reader, entries: Any, size: Any, out: Any) -> None:
        for raw in entries:
            self._take(entry.entry_of(raw), out)

    put(Reader, "_page", page)


@fault("a-short-page-is-continued")
def takes_a_short_page_for_the_end(put: Set) -> None:
    _page = Reader._page

    def page(self: Reader, entries: Any, size: Any, out: Any) -> None:
        _page(self, entries, size, out)
        out.ask.clear()

    put(Reader, "_page", page)


@fault("a-late-lower-version-changes-nothing")
def lets_the_last_one_win(put: Set) -> None:
    put(State, "version", lambda self, key: 0)


@fault("after-a-restart-the-feed-goes-on-where-it-was")
def forgets_at_a_restart(put: Set) -> None:
    begin = Adapter._begin

    def forgetful(self: Adapter, keys: list[str]) -> None:
        self._cases += 1000
        begin(self, keys)

    put(Adapter, "_begin", forgetful)


@fault("a-withdrawal-is-delivered-as-one")
def keeps_what_was_withdrawn(put: Set) -> None:
    _deliver = Reader._deliver

    def deliver(self: Reader, one: Any, out: Any) -> None:
        if one.op != "withdraw":
            _deliver(self, one, out)

    put(Reader, "_deliver", deliver)


@fault("an-erased-body-is-an-erasure")
def takes_an_erased_body_for_an_empty_one(put: Set) -> None:
    _deliver = Reader._deliver
    put(Reader, "_deliver", lambda self, one, out: _deliver(self, replace(one, no_body=None), out))


@fault("an-unknown-kind-is-parked")
def guesses_unknown_kinds(put: Set) -> None:
    put(entry, "KINDS", entry.KINDS | {"notice"})


@fault("an-unknown-operation-is-parked")
def guesses_unknown_operations(put: Set) -> None:
    put(entry, "OPS", entry.OPS | {"suspend"})


@fault("a-body-that-has-grown-is-delivered-whole")
def drops_what_it_does_not_know(put: Set) -> None:
    _deliver = Reader._deliver

    def deliver(self: Reader, one: Any, out: Any) -> None:
        known = one.body and {name: value for name, value in one.body.items() if name != "later"}
        _deliver(self, replace(one, body=known), out)

    put(Reader, "_deliver", deliver)


@fault("another-version-of-the-envelope-is-refused")
def reads_any_envelope(put: Set) -> None:
    put(reader, "_cloud_event", lambda raw: raw)


@fault("an-embargoed-version-waits-for-its-time")
def never_asks_for_what_was_withheld(put: Set) -> None:
    put(Reader, "_due", lambda self, out: None)


@fault("a-body-that-came-before-its-time-waits-too")
def shows_before_the_time(put: Set) -> None:
    put(entry.Entry, "starts", property(lambda self: self.withheld_until))


@fault("an-embargo-outlives-a-restart")
def forgets_what_waits(put: Set) -> None:
    begin = Adapter._begin

    def forgetful(self: Adapter, keys: list[str]) -> None:
        begin(self, keys)
        self._required()[1]._db.execute("DELETE FROM waiting")

    put(Adapter, "_begin", forgetful)


@fault("a-newer-version-ends-the-wait")
def asks_for_what_was_overtaken(put: Set) -> None:
    def delivered(self: State, key: str, version: int) -> None:
        self._db.execute("INSERT OR REPLACE INTO version VALUES (?, ?)", (key, version))

    put(State, "delivered", delivered)


@fault("a-set-counts-once-its-act-is-recorded")
def shows_half_a_set(put: Set) -> None:
    put(State, "has_act", lambda self, key: True)
    put(State, "remember_act", lambda self, key: None)


@fault("a-false-recovery-is-not-believed")
def believes_a_recovery(put: Set) -> None:
    answer = Adapter.answer

    def believing(self: Adapter, command: dict[str, Any]) -> dict[str, Any]:
        said = answer(self, command)
        return {**said, "ask": []} if command.get("recovered") else said

    put(Adapter, "answer", believing)


@fault("another-epoch-begins-anew")
def ignores_the_epoch(put: Set) -> None:
    opened = Reader.opened
    put(Reader, "opened", lambda self, epoch, size: opened(self, "e1", size))


@fault("a-position-of-the-future-begins-anew")
def believes_that_nothing_is_missing_in_the_future(put: Set) -> None:
    _open = Reader._open
    put(Reader, "_open", lambda self, epoch, size, out: _open(self, epoch, max(size, self.state.position), out))


@fault("an-altered-body-is-refused")
def checks_no_digest(put: Set) -> None:
    prove = Trust.prove
    put(Trust, "prove", lambda self, one: prove(self, replace(one, body=None)))


@fault("an-altered-path-is-refused")
def checks_no_path(put: Set) -> None:
    def prove(self: Trust, one: Any) -> None:
        if one.body is not None and merkle.digest(one.content()) != one.digest:
            raise Refused("digest", "another body")
        if not isinstance(one.raw.get("proof"), str):
            raise Refused("proof", "none")
        self.checkpoint(notes.proof_of(one.raw["proof"]).note)

    put(Trust, "prove", prove)


@fault("an-entry-without-a-proof-is-refused")
def takes_entries_without_a_proof(put: Set) -> None:
    prove = Trust.prove
    put(Trust, "prove", lambda self, one: prove(self, one) if "proof" in one.raw else None)


@fault("a-wrong-signature-is-refused")
def checks_no_signature(put: Set) -> None:
    put(notes, "_verify", lambda key, signature, text: None)


@fault("a-wrong-signature-beside-a-good-one-is-refused")
def is_content_with_one_good_signature(put: Set) -> None:
    lines = notes._lines

    def first(note: str) -> Any:
        text, found = lines(note)
        return text, found[:1]

    put(notes, "_lines", first)


@fault("a-path-in-another-spelling-is-refused")
def takes_any_spelling(put: Set) -> None:
    put(notes, "_strict", lambda text, reason="signature": base64.b64decode(text))


@fault("a-key-of-another-log-is-not-trusted")
def takes_the_key_of_any_log(put: Set) -> None:
    offer = trust._offer

    def own(listed: Any) -> Any:
        return offer({**listed, "name": "tongyuan/339921000000"})

    put(trust, "_offer", own)
    put(trust, "_endorses", lambda note, key, trusted: True)


@fault("a-forged-head-is-refused")
def believes_any_head(put: Set) -> None:
    def head(self: Reader, data: Any, out: Any) -> None:
        if data["size"] > self.state.position:
            out.ask.append(Ask("entries", self.state.position + 1))

    put(Reader, "_head", head)


@fault("two-heads-of-one-size-stop-the-reader")
def remembers_no_roots(put: Set) -> None:
    put(State, "witness", lambda self, size, root: None)


@fault("another-epoch-does-not-excuse-another-history")
def forgets_history_with_the_epoch(put: Set) -> None:
    put(state, "_OF_THE_FEED", (*state._OF_THE_FEED, "root"))


@fault("a-halt-outlives-a-restart")
def goes_on_after_a_halt(put: Set) -> None:
    put(Reader, "halted", property(lambda self: None))


@fault("a-statement-that-runs-out-is-told")
def never_tells_its_age(put: Set) -> None:
    put(Trust, "is_stale", lambda self: False)


@fault("a-replayed-statement-makes-nothing-fresh")
def believes_replayed_statements(put: Set) -> None:
    set_fact = State.set_fact
    _statement = Trust._statement

    def statement(self: Trust, note: str) -> None:
        set_fact(self._state, "statement", '{"sequence": 0, "expires_at": "1970-01-01T00:00:00Z"}')
        _statement(self, note)

    put(Trust, "_statement", statement)


@fault("a-key-without-an-endorsement-is-refused")
def trusts_every_key_that_is_listed(put: Set) -> None:
    put(trust, "_endorses", lambda note, key, trusted: True)


@fault("an-endorsement-of-another-key-is-refused")
def reads_no_endorsement(put: Set) -> None:
    def endorses(note: Any, key: Any, trusted: Any) -> bool:
        try:
            return bool(note and notes.opened(note, list(trusted)))
        except Refused:
            return False

    put(trust, "_endorses", endorses)


@fault("a-retired-key-signs-no-longer")
def lets_retired_keys_sign(put: Set) -> None:
    put(Trust, "_retired", lambda self, key: False)


@fault("an-endorsed-key-is-trusted")
def never_asks_for_keys(put: Set) -> None:
    opened = Trust._opened

    def patient(self: Trust, note: str) -> Any:
        self._asked.add(notes.signers(note))
        return opened(self, note)

    put(Trust, "_opened", patient)


@fault("a-list-without-news-is-asked-for-once")
def asks_for_keys_again_and_again(put: Set) -> None:
    opened = Trust._opened

    def restless(self: Trust, note: str) -> Any:
        self._asked.clear()
        return opened(self, note)

    put(Trust, "_opened", restless)


if __name__ == "__main__":
    for name in sys.argv[1:]:
        FAULTS[name][1](setattr)
    main()
