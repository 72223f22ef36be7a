"""The receiving end of an import: decides for each row whether it becomes a release.

    request  →  judgement (order, three-way merge, time)  →  checks of the whole body  →  breaker  →  one transaction

`request`     what an importer sends, and the contract of one entry
`answer`      the outcome of each entry
`statement`   what each import source stated last about each code
`merging`     three-way merge: what the source said, what it says now, what is released
`rules`       what a service defines about the bodies that it owns
`judgement`   what one entry asks for: a release, a withdrawal, nothing, or an objection
`regrouping`  an item that is split into situations, or merged from them, changes as one
`breaker`     too many withdrawals, emptied fields or changes at once need a person's confirmation
`provenance`  which file and row a release came from
`engine`      runs all of it in order
`http`        the routes of every service with imports
"""
