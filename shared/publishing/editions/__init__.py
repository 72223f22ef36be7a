"""Editions: what an editor works on. One per code, with a draft that changes and released versions that never do.

    draft ──release──► released (version n) ──release──► released (version n + 1; n is superseded)
                          │  │
                          │  └─suspend──► suspended ──restore──► released, as it was
                          ├──withdraw──► withdrawn ──release──► released
                          └──► hidden (what it belongs to is not shown now) ──► released, as it was

Draft and released body are separate. Only `release` publishes a draft. Timers, imports and the return of a hidden
guide act on what was released and never read a draft.

`model`     the table, states, periods
`timeline`  a version as the source knows it; which one counts says `shared.transparency.timeline`
`steps`     how a change and the planned versions become the next versions of an edition
`clearance` what a release needs before it: a review, in a county of five gates
`appending` the only place where versions are added, of what is cleared
`following` a guide is shown only while its item is
`drafts`    saving and releasing a draft
`commands`  an editor's commands on one edition
`batches`   changes by imports and timers to many editions
`going_back`  many editions back to what they were before a version
`queries`   reading
"""

from shared.publishing.editions.batches import (
    BodyToRelease,
    EditionSummary,
    Leaving,
    release_many,
    standings,
    withdraw_many,
)
from shared.publishing.editions.commands import Terms, Then, cancel_plans, release, restore, suspend, withdraw
from shared.publishing.editions.drafts import release_draft, save
from shared.publishing.editions.following import follow
from shared.publishing.editions.model import EditionRow, EditionState, Period, Plans, ReleasingSource
from shared.publishing.editions.queries import bodies_in_force, find, live_count, overtaken, page, plans, states, view
from shared.publishing.editions.versions import Version

__all__ = [
    "BodyToRelease",
    "EditionRow",
    "EditionState",
    "EditionSummary",
    "Leaving",
    "Period",
    "Plans",
    "ReleasingSource",
    "Terms",
    "Then",
    "Version",
    "bodies_in_force",
    "cancel_plans",
    "find",
    "follow",
    "live_count",
    "overtaken",
    "page",
    "plans",
    "release",
    "release_draft",
    "release_many",
    "restore",
    "save",
    "standings",
    "states",
    "suspend",
    "view",
    "withdraw",
    "withdraw_many",
]
