"""What both peers share: their five tables, their exchange and queues, and how one says that it shows a version."""

EXCHANGE = "peer"
NAMES = ("first", "second", "third", "fourth")
"""The four subscribers; each has a queue and a table of its own."""

CREATE = (
    "CREATE TABLE release (key text PRIMARY KEY, version integer NOT NULL, document text NOT NULL)",
    *(
        f"CREATE TABLE shown_{name} (key text PRIMARY KEY, version integer NOT NULL, document text NOT NULL)"
        for name in NAMES
    ),
)

RELEASE = """
    INSERT INTO release VALUES (:key, 1, :document)
    ON CONFLICT (key) DO UPDATE SET version = release.version + 1, document = EXCLUDED.document
    RETURNING version
"""

NOTIFY = "SELECT pg_notify('shown', :word)"
"""Sent with the commit, so that nobody hears of a version before it can be read."""


def show(name: str) -> str:
    """Return the statement that stores a version unless the table has a newer one."""
    return f"""
        INSERT INTO shown_{name} VALUES (:key, :version, :document)
        ON CONFLICT (key) DO UPDATE SET version = EXCLUDED.version, document = EXCLUDED.document
        WHERE shown_{name}.version < EXCLUDED.version
    """  # the name is one of NAMES


def word(name: str, key: str, version: int) -> str:
    """Return the notification that subscriber `name` shows a version of a key."""
    return f"{name} {key} {version}"
