"""The file of a backup: a signed header, followed by a gzipped tar, which is encrypted on request.

`manifest`    the tar's first member, which names every other member with size and digest
`header`      the signed part: county, time, size and digest of all that follows
`key`         the county's key for backups, and the public keys that a restore trusts
`encryption`  to other keys, so that the county's own machine cannot read its old backups
`file`        write, check and unpack a file
"""
