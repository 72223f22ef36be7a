"""Sets: editions of one or more sources that are released as one, and shown by every channel whole or not at all.

    prepare   each source releases its members as planned versions that name the act of the set; no channel shows them
    complete  when the ledger has all of them, one source releases that act: from then on they count
    cancel    before that, each source takes its members back

`requests`  what is asked for
`commands`  the three steps, each one transaction that may be repeated
`http`      the same under `/v1/sets`
"""
