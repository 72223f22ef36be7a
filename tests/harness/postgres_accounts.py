"""The accounts of the production shape on a private PostgreSQL."""

import os
import subprocess
from urllib.parse import urlsplit

from contracts.topology import AUDITOR, CONSOLE, IMPORTING, SOURCES, SUBSCRIPTIONS
from services.runtime.manifests import CHANNELS
from tests.harness.county import REPOSITORY
from tests.harness.packages import require
from tests.harness.postgres import PLACES

SERVICES = (*SOURCES, "ledger", *CHANNELS, AUDITOR, CONSOLE, IMPORTING, SUBSCRIPTIONS)


def accounts(url: str) -> dict[str, str]:
    """Create the accounts with deploy/postgres/roles.sql in the database `url`. Return service → libpq URL.

    The private server asks for no passwords.
    """
    superuser = url.replace("postgresql+psycopg://", "postgresql://", 1)
    passwords = {f"POSTGRES_PASSWORD_{service.upper()}": "a-long-password" for service in SERVICES}
    psql, script = require("psql", "postgresql", places=PLACES), REPOSITORY / "deploy" / "postgres" / "roles.sql"
    command = [str(psql), "-v", "ON_ERROR_STOP=1", "-q", "-f", str(script), superuser]
    subprocess.run(command, env={**os.environ, **passwords}, check=True, capture_output=True)
    parts = urlsplit(superuser)
    return {service: parts._replace(netloc=f"{service}@{parts.hostname}:{parts.port}").geturl() for service in SERVICES}
