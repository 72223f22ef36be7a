"""The SQL statements of the door to the database itself."""

from sqlalchemy import text

# Find out whether a connection works.
PING = "SELECT 1"

# Whether a schema exists.
SCHEMA = text("SELECT 1 FROM information_schema.schemata WHERE schema_name = :name")

# Name the connection for operators.
SET_APPLICATION_NAME = "SELECT set_config('application_name', %s, false)"

# Wait only a moment for rows that another transaction has locked; it may wait for what this one holds.
SHORT_LOCK_TIMEOUT = text("SET LOCAL lock_timeout = '100ms'")
