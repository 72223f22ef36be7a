"""The SQL statements that find out which county a store belongs to. They run on stores of all services."""

# The county that the store names.
IDENTITY = "SELECT region, origin, county, demo FROM identity"

# The first release of each lane, oldest first.
FIRST_RELEASES = "SELECT document FROM release WHERE sequence = 1 ORDER BY released_at"

# How many releases of one source the ledger has recorded, in both lanes.
RECORDED = "SELECT coalesce(sum(sequence), 0) FROM source WHERE source = '{source}'"

# The first entry of the ledger.
FIRST_ENTRY = "SELECT meta FROM entry WHERE position = 1"

# The first entry of the ledger that is of another region.
FOREIGN_ENTRY = """SELECT position FROM entry WHERE meta NOT LIKE '%%"region":"{region}"%%' ORDER BY position LIMIT 1"""

# A checkpoint, whose first line is the log's name, by the table that holds it.
CHECKPOINTS = {
    "head": "SELECT checkpoint FROM head ORDER BY size DESC LIMIT 1",
    "lineage": "SELECT checkpoint FROM lineage WHERE checkpoint <> ''",
    "seen_head": "SELECT checkpoint FROM seen_head",
}
