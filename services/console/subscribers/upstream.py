"""The subscriptions service over HTTP, as the person who is signed in. Its methods raise what `Services.send` does."""

from dataclasses import dataclass
from typing import Any

from contracts.base import Json
from contracts.topology import SUBSCRIPTIONS
from services.console.upstream.services import Services
from shared.tokens.person import Person

PLACE = "subscriptions"
SHOWN = 50


@dataclass(frozen=True)
class SubscribersUpstream:
    """What the pages and the JSON of this folder ask of the service."""

    services: Services

    def listed(self, person: Person) -> list[Json]:
        """Return every subscription with its lag, in order of names."""
        found: list[Json] = self._get(PLACE, person)["subscriptions"]
        return found

    def log(self, person: Person) -> Json:
        """Return how far the log of events is; `halted`: why it does not grow."""
        return self._get("log", person)

    def one(self, person: Person, subscription: str) -> Json:
        """Return one subscription with its keys, without secrets."""
        return self._get(f"{PLACE}/{subscription}", person)

    def deliveries(self, person: Person, subscription: str, state: str = "", before: int | None = None) -> Json:
        """Return a page of the delivery log, newest event first; `next`: `before` of the next page, or null."""
        asked = {"state": state, "before": before, "limit": SHOWN}
        given = {name: value for name, value in asked.items() if value}
        return self._get(f"{PLACE}/{subscription}/deliveries", person, **given)

    def calls(self, person: Person, subscription: str, position: int) -> Json:
        """Return the calls of one delivery with their answers."""
        return self._get(f"{PLACE}/{subscription}/deliveries/{position}", person)

    def add(self, person: Person, content: Json) -> Json:
        """Add a subscription; its key and secrets are in this answer only."""
        return self._post(PLACE, person, content)

    def change(self, person: Person, subscription: str, content: Json, revision: str) -> Json:
        """Change what `content` has. Raises `Conflict` if it has another revision by now."""
        path = f"{PLACE}/{subscription}"
        found: Json = self.services.put(SUBSCRIPTIONS, path, person, content, if_match=revision).content
        return found

    def pause(self, person: Person, subscription: str, reason: str) -> Json:
        """Stop calling a webhook; the subscriber is told the reason."""
        path, asked = f"{PLACE}/{subscription}/pause", {"reason": reason}
        found: Json = self.services.send("POST", SUBSCRIPTIONS, path, person, params=asked).content
        return found

    def resume(self, person: Person, subscription: str) -> Json:
        """Call a paused webhook again."""
        return self._post(f"{PLACE}/{subscription}/resume", person)

    def test(self, person: Person, subscription: str) -> Json:
        """Send a test event; return its position."""
        return self._post(f"{PLACE}/{subscription}/test", person)

    def redeliver(self, person: Person, subscription: str, content: Json) -> Json:
        """Send ended deliveries again; return how many were opened."""
        return self._post(f"{PLACE}/{subscription}/redeliveries", person, content)

    def add_key(self, person: Person, subscription: str, content: Json) -> Json:
        """Give out a further key; it is in this answer only."""
        return self._post(f"{PLACE}/{subscription}/keys", person, content)

    def rotate(self, person: Person, subscription: str, content: Json) -> Json:
        """Make new secrets of a webhook; they are in this answer only."""
        return self._post(f"{PLACE}/{subscription}/secrets", person, content)

    def revoke_key(self, person: Person, subscription: str, key: str) -> None:
        """Revoke one key at once."""
        self.services.delete(SUBSCRIPTIONS, f"{PLACE}/{subscription}/keys/{key}", person)

    def revoke(self, person: Person, subscription: str) -> None:
        """End a subscription for good."""
        self.services.delete(SUBSCRIPTIONS, f"{PLACE}/{subscription}", person)

    def _get(self, path: str, person: Person, **params: Any) -> Json:
        found: Json = self.services.get(SUBSCRIPTIONS, path, person, **params).content
        return found

    def _post(self, path: str, person: Person, content: Json | None = None) -> Json:
        found: Json = self.services.post(SUBSCRIPTIONS, path, person, content).content
        return found
