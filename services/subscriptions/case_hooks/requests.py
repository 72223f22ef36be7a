"""What mobile sends: a hook, and the news of its case. Neither names the case."""

from typing import Literal

from pydantic import Field

from contracts.base import Contract, Timestamp


class CaseHook(Contract):
    """Whom to call, and the mark of the state that the app knows.

    `moved`: from a release in which mobile made the calls. Its address was checked then, and is again at each call.
    """

    url: str = Field(max_length=300)
    secret: str = Field(pattern=r"^whsec_[A-Za-z0-9+/=]{32,56}$")
    told: str = Field(min_length=1, max_length=24)
    expires_at: Timestamp
    state: Literal["active", "dead", "ended"] = "active"
    failures: int = Field(default=0, ge=0)
    problem: str | None = Field(default=None, max_length=100)
    next_at: Timestamp | None = None
    moved: bool = False


class News(Contract):
    """The state of the case that is now to be told: `mark` names it, `body` is sent as it is.

    `after`: the mark that the sender believes to be here. With another one nothing changes, so that a request that was
    delayed on its way cannot put an older state in the place of a newer one.
    """

    after: str = Field(min_length=1, max_length=24)
    mark: str = Field(min_length=1, max_length=24)
    body: str = Field(max_length=2000)
