"""The tree of errors; each docstring says what the caller can do.

TongyuanError
  Refused                 the request is wrong: change it
    Invalid               a field breaks a rule; names field, rule and value
    NotFound              no such thing
    Conflict              somebody else was first, or the state does not allow it: read again
      PreconditionFailed  the revision in If-Match is not the current one: read again
    PreconditionMissing   say which revision you mean (If-Match)
    Forbidden             no or wrong credentials
      NotAllowed          known, but without the right to do this
    TooManyRequests       wait, then try again
    TooLarge              send less
    NoRoom                the store is full: an operator makes room, then send it again
  Unavailable             nothing wrong with the request: try again later
    Unconfirmed           a message is not known to be safe: send it again
    UpstreamDown          the other service does not answer
    DamagedStore          the file of a database is damaged: put that store back
  ConstraintViolated      a row violates a constraint of its table: a bug
  Broken                  stored or received data contradict themselves: stop and investigate
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Violation:
    """One broken rule. `value` is what was sent, shortened; omit it where it could be personal."""

    field: str
    rule: str
    message: str
    value: str | None = None


class SettingsError(Exception):
    """A setting is wrong; the message gives its name and the reason.

    Outside the tree: it ends a start, not a request.
    """


class TongyuanError(Exception):
    """Base of all errors of this project."""

    status = 500
    title = "Internal error"


class Refused(TongyuanError):
    """The request is wrong: change it."""

    status = 400
    title = "Bad request"


class Invalid(Refused):
    """One or more fields break a rule. Nothing was changed."""

    status = 422
    title = "Invalid content"

    def __init__(self, *violations: Violation) -> None:
        self.violations = violations
        super().__init__("; ".join(f"{v.field}: {v.message} [{v.rule}]" for v in violations))


class NotFound(Refused):
    """No such thing, or no longer."""

    status = 404
    title = "Not found"


class Conflict(Refused):
    """Somebody else was first, or the current state does not allow it: read again, then decide."""

    status = 409
    title = "Conflict"


class PreconditionFailed(Conflict):
    """The revision named in If-Match is not the current one."""

    status = 412
    title = "Precondition failed"


class PreconditionMissing(Refused):
    """A change of something that exists must name the revision it starts from (If-Match)."""

    status = 428
    title = "Precondition required"


class Forbidden(Refused):
    """No or wrong credentials."""

    status = 401
    title = "Unauthorized"


class NotAllowed(Forbidden):
    """The caller is known but may not do this; only its service's manifest can give it the right."""

    status = 403
    title = "Forbidden"


class TooManyRequests(Refused):
    """Wait `retry_after` seconds, then try again."""

    status = 429
    title = "Too many requests"

    def __init__(self, message: str, retry_after: int = 60) -> None:
        self.retry_after = retry_after
        super().__init__(message)


class TooLarge(Refused):
    """The body is larger than this endpoint takes."""

    status = 413
    title = "Content too large"


class NoRoom(Refused):
    """The store has no room for it. Nothing was stored, and nothing was lost."""

    status = 507
    title = "Insufficient storage"


class Unavailable(TongyuanError):
    """Nothing is wrong with the request: try again later."""

    status = 503
    title = "Unavailable"


class Unconfirmed(Unavailable):
    """A message is not known to be safe: send it again."""


class UpstreamDown(Unavailable):
    """The other service does not answer, or not as its contract says."""


class DamagedStore(Unavailable):
    """The file of a service's database is damaged; the message names it.

    Requests and messages are not at fault: they wait until an operator has put this one store back.
    """


class ConstraintViolated(TongyuanError):
    """A row violates a constraint that earlier checks should have ensured: a bug. Nothing was changed."""


class Broken(TongyuanError):
    """Data contradict themselves: stop and investigate."""
