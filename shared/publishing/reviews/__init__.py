"""Reviews: the five gates are signed for one digest of what is to be released, before it is released (docs/adr/0078).

    gathering ─close─► open ──five gates passed──► approved ──released──► released
     (imports)          │  │                           │
                        │  └─a gate returns it──► returned
                        ├──its submitter takes it back──► withdrawn ◄──┤
                        └──a member's draft is saved────► obsolete  ◄──┘
    waiting ─second person─► open ──five gates passed──► released          (urgent: executed first, then reviewed)

`model`       the tables and the digest of a member
`migration`   the tables, for every source alike
`policy`      what the county demands, written once
`roles`       which role of a person which command needs, and whose content a code is
`authors`     who changed a draft since its last release; reviews that a saved draft makes obsolete
`submitting`  what is to be released becomes a review
`gathering`   the same for the rows of an import, which arrive in several requests
`signing`     sign-offs, returns, and taking a review back
`urgent`      withdrawals before their review
`cancelled_sets`  reviews whose set was cancelled cover a release again
`queries`     lists, one review, figures
`findings`    what the machine found for each gate
`http`        `/v1/reviews`; `requests`: its bodies

What a release needs is in `shared.publishing.editions.clearance`: no command can append a version without it.
"""
