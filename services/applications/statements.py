"""The SQL statements of applications."""

from sqlalchemy import Date, bindparam, text

from shared.security.vault import PREFIX_CHARACTERS

# Add a number that is new; its row is the lock of the case.
ADD_CASE = text(
    "INSERT INTO application "
    "(project_no, task_type, promise_type, personal, revision, version, withdrawn, erased, overdue, active,"
    " generation) VALUES (:project_no, '', '1', :personal, 0, 0, false, false, false, false, 0) "
    "ON CONFLICT (project_no) DO NOTHING"
)

# Take the next serial number of an implementation and a day.
NEXT_SERIAL = text(
    "INSERT INTO serial (code31, day, value) VALUES (:code31, :day, 1) "
    "ON CONFLICT (code31, day) DO UPDATE SET value = serial.value + 1 RETURNING value"
).bindparams(bindparam("day", type_=Date))

# Store a request unless another transaction has stored it first.
ADD_REQUEST = text(
    "INSERT INTO request (request, project_no, content) VALUES (:request, :project_no, :content) "
    "ON CONFLICT (request) DO NOTHING"
)

# For PostgreSQL: wait while a key is being retired.
LOCK_REQUESTS = "LOCK TABLE request IN ROW EXCLUSIVE MODE"

# For PostgreSQL: keep writers out of the sealed tables, or fail at once if there is one.
# A lock request that waits would block later writers, and could deadlock with them.
LOCK_SEALED = "LOCK TABLE application, fact, request IN SHARE MODE NOWAIT"

# The prefixes of all sealed values, which name their keys; one statement a table.
KEY_PREFIXES = tuple(
    f"SELECT DISTINCT substr({column}, 1, {PREFIX_CHARACTERS}) FROM {table}"  # noqa: S608  # our own names
    for table, column in (("application", "personal"), ("fact", "document"), ("request", "content"))
)

# For PostgreSQL: the number of a transaction that begins now.
NEXT_TRANSACTION = "SELECT pg_current_xact_id()::xid::text"

# For PostgreSQL: how many transactions of this database may see what was deleted before that one.
OLDER_READERS = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
AND greatest(age(backend_xmin), age(backend_xid)) > age(%s::xid)
"""

# For PostgreSQL: write the sealed tables anew, without earlier values; one statement a table.
REWRITE = ("VACUUM FULL application", "VACUUM FULL fact", "VACUUM FULL request")

# Whether the relay has sent a release; null while the lane has no cursor.
_SENT = "release.sequence <= (SELECT sequence FROM relayed WHERE relayed.lane = release.lane)"

# Whether a newer version of the key is released.
_SUPERSEDED = "version < (SELECT max(version) FROM release newest WHERE newest.key = release.key)"

# A run of releases that still have a body: their document is not like `bare`.
_BODIES = (
    "SELECT lane, sequence, document FROM release WHERE op = 'release' AND {where} "
    "AND document NOT LIKE :bare ORDER BY lane, sequence LIMIT :limit"
)

# A release of this key that the relay has not sent: the ledger refuses a message without a body.
UNSENT = text(
    f"SELECT 1 FROM release WHERE key = :key AND op = 'release' AND NOT coalesce({_SENT}, false) LIMIT 1"  # noqa: S608  # our own text
)

# A run of a key's releases that still have a body.
BODIES_OF_KEY = text(_BODIES.format(where="key = :key"))

# A run of old releases that still have a body, were sent, and are superseded by a newer version.
SUPERSEDED_BODIES = text(_BODIES.format(where=f"released_at < :before AND {_SENT} AND {_SUPERSEDED}"))

# Replace a release's document by one without a body.
ERASE_BODY = text("UPDATE release SET document = :document WHERE lane = :lane AND sequence = :sequence")

# By item: the cases with a result in a period, those of them after the promised day, and those that promised no day.
CLOSED_BY_ITEM = text(
    "SELECT a.item_code, count(*) AS closed, sum(CASE WHEN a.overdue THEN 1 ELSE 0 END) AS late, "
    "sum(CASE WHEN a.promise_day IS NULL THEN 1 ELSE 0 END) AS unpromised "
    "FROM application a JOIN (SELECT project_no, min(occurred_at) AS at FROM fact WHERE event IN :events "
    "GROUP BY project_no) result ON result.project_no = a.project_no "
    "WHERE a.case_ref IS NOT NULL AND a.state IN :states AND result.at >= :first AND result.at < :behind "
    "GROUP BY a.item_code"
).bindparams(bindparam("events", expanding=True), bindparam("states", expanding=True))

# By item: the cases under review now, and those of them that are overdue.
OPEN_BY_ITEM = text(
    "SELECT item_code, count(*) AS open, sum(CASE WHEN overdue THEN 1 ELSE 0 END) AS overdue FROM application "
    "WHERE case_ref IS NOT NULL AND state IN :states GROUP BY item_code"
).bindparams(bindparam("states", expanding=True))

_DUE = (
    "FROM timer t JOIN application a ON a.project_no = t.project_no "
    "WHERE t.kind = :kind AND t.fired = :over AND t.day <= :until AND a.state IN :states "
    "AND (:unit = '' OR substr(a.item_code, 1, 18) = :unit)"
)

# Cases under review by their promised day, soonest first.
DUE = (
    text(f"SELECT t.project_no, t.day, a.item_code, a.state {_DUE} ORDER BY t.day, t.project_no LIMIT :most")
    .bindparams(bindparam("until", type_=Date), bindparam("states", expanding=True))
    .columns(day=Date())
)

# How many there are.
COUNT_DUE = text(f"SELECT count(*) {_DUE}").bindparams(
    bindparam("until", type_=Date), bindparam("states", expanding=True)
)
