"""Certificates end. When ours do is a metric, and what replaces them on disk is taken into use without a restart."""

from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from prometheus_client import Counter, Gauge

from shared import log
from shared.errors import SettingsError
from shared.serve import Background, periodically
from shared.tls import CA, CERTIFICATE, Tls

LOOK_SECONDS = 5

EXPIRES = Gauge("tongyuan_certificate_expires_timestamp_seconds", "When a certificate in use ends.", ["file"])
REFUSED = Counter("tongyuan_certificate_renewals_refused_total", "Files on disk that did not belong together.")

_log = log.get("tls")


def watching(tls: Tls | None) -> dict[str, Background]:
    """Background work: looks at the files every few seconds. Nothing without TLS."""
    if tls is None:
        return {}
    _tell(tls)
    return {"tls": periodically(LOOK_SECONDS, lambda: _look(tls), name="tls")}


def ends(folder: Path) -> dict[str, datetime]:
    """When each certificate of the folder ends. Raises ValueError or OSError when there is none to read.

    Of a chain the first to end counts, of several authorities the last: that is how one is replaced by another.
    """
    found = {CA: max(_ends(folder / CA))}
    if (folder / CERTIFICATE).exists():
        found[CERTIFICATE] = min(_ends(folder / CERTIFICATE))
    return found


def _ends(file: Path) -> list[datetime]:
    return [certificate.not_valid_after_utc for certificate in x509.load_pem_x509_certificates(file.read_bytes())]


def _look(tls: Tls) -> None:
    try:
        renewed = tls.renew()
    except SettingsError as error:
        REFUSED.inc()
        _log.error("renewed certificate refused, the one before stays in use", reason=str(error))
        return
    if renewed:
        _tell(tls)


def _tell(tls: Tls) -> None:
    for file, end in ends(tls.folder).items():
        EXPIRES.labels(file).set(end.timestamp())
        left = (end - datetime.now(UTC)).days
        _log.info("certificate in use", file=file, ends=end.isoformat(), days_left=left)
