"""A service's own database: engine and sessions, the fast path, notifications, migrations, leadership."""
