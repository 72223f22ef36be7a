"""The SQL statements of backup and restore, which read the stores of all services.

They are texts without `:name`, because the driver runs them as they are: sqlite3 on a file, psycopg on a schema.
"""

# The tables of a SQLite file.
TABLES_OF_SQLITE = "SELECT name FROM sqlite_master WHERE type = 'table'"

# The tables of a schema with their columns, but for the migrations' numbers and generated columns.
TABLES_OF_POSTGRES = """
SELECT table_name, column_name FROM information_schema.columns JOIN information_schema.tables
USING (table_schema, table_name)
WHERE table_schema = %s AND table_type = 'BASE TABLE' AND is_generated = 'NEVER'
AND table_name NOT IN ('alembic_version', 'alembic_version_own')
ORDER BY table_name, ordinal_position
"""

# How many other connections the account has to this database.
OTHER_CONNECTIONS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND usename = current_user AND application_name <> %s AND pid <> pg_backend_pid()
"""

# A table by its name, or null.
TABLE = "SELECT to_regclass(%s)"

# A schema by its name, or null.
SCHEMA = "SELECT to_regnamespace(%s)"

# Any row of a table.
ANY_ROW = "SELECT 1 FROM {table} LIMIT 1"

# The number of the store's migration in a table of migrations.
REVISION = "SELECT version_num FROM {table}"

# The highest number of each lane of a source.
COUNTERS = "SELECT lane, value FROM counter"

# The prefixes of sealed second factors, which name their keys.
STAFF_KEY_PREFIXES = "SELECT DISTINCT substr(totp_secret, 1, 11) FROM account WHERE totp_secret IS NOT NULL"

# The position of a channel.
POSITION = "SELECT position FROM state"

# Set a new epoch: a screen's old cursor must not be used, since its numbers will mean other changes.
SET_EPOCH = "UPDATE state SET epoch = '{epoch}'"

# How far the ledger has recorded each lane of each source.
MARKS = "SELECT source, lane, sequence FROM source"

# The number of entries in the ledger.
SIZE = "SELECT size FROM log"

# The head that the ledger has signed last.
NEWEST_HEAD = "SELECT size, root, time, checkpoint FROM head ORDER BY size DESC LIMIT 1"

# Every entry of the ledger, without bodies.
ENTRIES = "SELECT position, meta FROM entry ORDER BY position"

# The ledger's public keys.
SIGNING_KEYS = "SELECT name, public_key FROM signing_key"
