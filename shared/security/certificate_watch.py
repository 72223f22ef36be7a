"""Reports when our certificates expire, and loads renewed files without a restart."""

from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from prometheus_client import Counter, Gauge

from shared import log
from shared.errors import SettingsError
from shared.security.tls import CA, CERTIFICATE, Tls
from shared.timers import Background, periodically

LOOK_SECONDS = 5

EXPIRES = Gauge(
    "tongyuan_certificate_expires_timestamp_seconds", "Unix time at which a certificate in use expires.", ["file"]
)
REFUSED = Counter(
    "tongyuan_certificate_renewals_refused_total", "Renewed certificate files that did not match each other."
)

_log = log.get("tls")


def watching(tls: Tls | None) -> dict[str, Background]:
    """Return background work that checks the files every `LOOK_SECONDS`; nothing without TLS."""
    if tls is None:
        return {}
    _tell(tls)
    return {"tls": periodically(LOOK_SECONDS, lambda: look(tls), name="tls")}


def look(tls: Tls) -> None:
    """Load the files if they were renewed; refuse them, and keep those in use, if they do not belong together."""
    try:
        renewed = tls.renew()
    except SettingsError as error:
        REFUSED.inc()
        _log.error("renewed certificate refused; the previous one stays in use", reason=str(error))
        return
    if renewed:
        _tell(tls)


def ends(folder: Path) -> dict[str, datetime]:
    """Return when each certificate of the folder expires. Raises ValueError or OSError when there is none to read.

    Of a chain the first to expire counts; of several authorities the last, because that is how one replaces another.
    """
    found = {CA: max(_ends(folder / CA))}
    if (folder / CERTIFICATE).exists():
        found[CERTIFICATE] = min(_ends(folder / CERTIFICATE))
    return found


def _ends(file: Path) -> list[datetime]:
    return [certificate.not_valid_after_utc for certificate in x509.load_pem_x509_certificates(file.read_bytes())]


def _tell(tls: Tls) -> None:
    for file, end in ends(tls.folder).items():
        EXPIRES.labels(file).set(end.timestamp())
        left = (end - datetime.now(UTC)).days
        _log.info("certificate in use", file=file, ends=end.isoformat(), days_left=left)
