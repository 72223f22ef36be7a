"""The engine of an import: sends the rows of one file to the county's sources and collects the results.

    read and spool  →  succession (the row of each code that counts)  →  groups (rows that are one change)
                    →  plan (asked, nothing changed)  →  breaker  →  execution, a few hundred rows per request

`entry`       one row as it is sent
`spool`       the rows of a file, stored on disk
`reading`     the file as spooled rows, rejects and warnings
`succession`  which row of a code counts
`groups`      rows that are one change are sent together
`sources`     the requests to catalog and guides, and their answers
`results`     the outcome of each row
`breaker`     changes that need an operator's confirmation, judged over the whole file
`missing`     codes that a full list no longer contains
`course`      all steps in order
`report`      totals
`files`       the files of rejected rows, of warnings, and of the outcome of each row
"""
