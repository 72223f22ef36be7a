"""Cursors of the feed: opaque, authenticated, and bound to the subscription and to what the log was up to there.

A cursor states epoch, position and the head of the log's chain at that position. A log that was set back and has grown
again has another chain, so nobody is told that they missed nothing when they did.
"""

import binascii
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass

from services.subscriptions.keys import MasterKey
from services.subscriptions.log.store import BEGINNING, LogState, LogStore
from shared.errors import Invalid, Refused, Violation

MAC_BYTES = 9
CHAIN_CHARACTERS = 12
LONGEST = 160


class StartOver(Refused):
    """The cursor cannot be continued: start from the snapshot. `reason`: `epoch`, `future` or `history`."""

    status = 410
    title = "Start from the snapshot"

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(
            f"这个游标接不上（{reason}）：请从快照重新开始 "
            f"(this cursor cannot be continued: {reason}; start from the snapshot)"
        )


@dataclass(frozen=True)
class Cursors:
    """Writes and reads cursors with the key of this process."""

    key: MasterKey
    store: LogStore

    def written(self, subscription: str, state: LogState, position: int, chain: str | None = None) -> str:
        """Return the cursor after `position`; `chain` is read if it is not given."""
        known = chain or (BEGINNING if position == 0 else self.store.chain_at(position)) or BEGINNING
        text = f"{state.epoch}.{position}.{known[:CHAIN_CHARACTERS]}".encode()
        return urlsafe_b64encode(self._mac(subscription, text) + text).decode().rstrip("=")

    def position(self, subscription: str, state: LogState, cursor: str) -> int:
        """Return the position of a cursor. Raises `Invalid` for none of ours, `StartOver` for one without a future."""
        epoch, position, chain = self._parsed(subscription, cursor)
        if epoch != state.epoch:
            raise StartOver("epoch")
        if position > state.position:
            raise StartOver("future")
        known = state.chain if position == state.position else self.store.chain_at(position)
        if known is None or known[:CHAIN_CHARACTERS] != chain:
            raise StartOver("history")
        return position

    def _parsed(self, subscription: str, cursor: str) -> tuple[str, int, str]:
        try:
            raw = urlsafe_b64decode(cursor[:LONGEST] + "=" * (-len(cursor) % 4))
            mac, text = raw[:MAC_BYTES], raw[MAC_BYTES:]
            epoch, position, chain = text.decode("ascii").split(".")
            number = int(position)
        except (binascii.Error, ValueError):
            raise _foreign() from None
        if not hmac.compare_digest(mac, self._mac(subscription, text)):
            raise _foreign()
        return epoch, number, chain

    def _mac(self, subscription: str, text: bytes) -> bytes:
        return hmac.digest(self.key.cursor_key(), subscription.encode() + b"." + text, "sha256")[:MAC_BYTES]


def _foreign() -> Invalid:
    message = (
        "不是这个订阅的游标：请原样传回上次得到的 cursor (not a cursor of this subscription: send back the last one)"
    )
    return Invalid(Violation("cursor", "signature", message))
