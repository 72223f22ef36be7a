"""The audit log of a store: who did what to which object, when and from where, in one chain of hashes.

`chain`        the hash of a row, and the check of a run of rows; pure
`differences`  the fields in which two bodies differ, bounded and without personal numbers
`model`        the tables; `migration` creates them
`recording`    append rows in the transaction of what they tell
`verification` the check of a whole log
`queries`      newest first, by actor, object, action and time
`http`         `/v1/audit`
"""
