"""Errors of the client."""


class Refused(Exception):
    """A message is not taken. `reason`: malformed, digest, proof or signature."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason


class Halted(Exception):
    """The county signed two histories that contradict each other. Nothing is delivered until a person has decided."""


class UnknownSigner(Exception):
    """No trusted key has signed a note, and the county's list of keys was not read since it appeared."""
