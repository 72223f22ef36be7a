"""TLS of one process: a folder holds our certificate and the trusted authorities. Nothing else builds a context.

    ca.pem            the county's authorities; no others are trusted
    certificate.pem   our certificate, for outgoing and incoming connections
    key.pem           its key, readable by us only

Never below TLS 1.2, host names always checked, no fallback to plain text. Imports nothing heavy: `shared.probe` runs
every few seconds.
"""

import ssl
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from shared.errors import Broken, SettingsError
from shared.security.secret_files import require_private

CA, CERTIFICATE, KEY = "ca.pem", "certificate.pem", "key.pem"
MUTUAL, SERVER, PLAIN = "mutual", "server", "plain"
VARIABLE = "TONGYUAN_TLS_FOLDER"
LEAST = ssl.TLSVersion.TLSv1_2


class Tls:
    """The files of `folder`, and the contexts made from them. `listen`: see the setting `tls_listen`."""

    def __init__(self, folder: Path, listen: str = MUTUAL) -> None:
        self.folder, self.listen = folder, listen
        self._client: ssl.SSLContext | None = None
        self._server: ssl.SSLContext | None = None
        self._seen = self._stamp()

    @property
    def certified(self) -> bool:
        """Whether there is a certificate of our own."""
        return (self.folder / CERTIFICATE).exists() or (self.folder / KEY).exists()

    def require(self) -> None:
        """Raises `SettingsError`, with file and reason, when the folder is incomplete or invalid."""
        self.client()

    def client(self) -> ssl.SSLContext:
        """Return the context for outgoing connections: it checks certificate and name, and shows ours if we have one.

        Raises `SettingsError`.
        """
        if self._client is None:
            self._client = self._read(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
        return self._client

    def server(self) -> ssl.SSLContext | None:
        """Return the context for incoming connections; None for plain text. Raises `SettingsError`."""
        if self.listen == PLAIN:
            return None
        if not self.certified:
            raise SettingsError(
                f"{VARIABLE}: {self.folder / CERTIFICATE} is missing, but this process listens with TLS"
            )
        if self._server is None:
            context = self._read(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
            context.verify_mode = ssl.CERT_REQUIRED if self.listen == MUTUAL else ssl.CERT_NONE
            self._server = context
        return self._server

    def renew(self) -> bool:
        """Load the current files into the contexts in use; False when none has changed.

        Raises `SettingsError`, once per change, when the files do not match; the previous ones stay in use.
        An authority removed from `ca.pem` is trusted until the process ends: OpenSSL only adds.
        """
        now = self._stamp()
        if now == self._seen:
            return False
        self._seen = now
        # Into a separate context first: a pair that does not match would leave a context in use without its key.
        self._read(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
        for context in (self._client, self._server):
            if context is not None:
                self._read(context)
        return True

    def amqp_options(self, host: str) -> dict[str, Any]:
        """Return py-amqp's options; it builds a context at each connection and checks the name only if given one."""
        options = {"ca_certs": str(self.folder / CA), "cert_reqs": ssl.CERT_REQUIRED, "tls_minimum_version": LEAST}
        if self.certified:
            options |= {"certfile": str(self.folder / CERTIFICATE), "keyfile": str(self.folder / KEY)}
        return {**options, "server_hostname": host}

    def database_url(self, url: str) -> str:
        """Return a PostgreSQL URL with which libpq checks the server as we do; unchanged if it has `sslmode`."""
        if not url.startswith("postgresql") or "sslmode=" in url:
            return url
        files = {"sslrootcert": CA, **({"sslcert": CERTIFICATE, "sslkey": KEY} if self.certified else {})}
        said = [f"{name}={quote(str(self.folder / file))}" for name, file in files.items()]
        return f"{url}{'&' if '?' in url else '?'}{'&'.join(['sslmode=verify-full', *said])}"

    def _read(self, context: ssl.SSLContext) -> ssl.SSLContext:
        context.minimum_version = LEAST
        ca, certificate, key = (self.folder / name for name in (CA, CERTIFICATE, KEY))
        try:
            context.load_verify_locations(ca)
        except OSError as error:
            raise SettingsError(f"{VARIABLE}: {ca}: {_why(error)}") from error
        if self.certified:
            try:
                require_private(key)
                # Never prompt at a terminal: a key with a password is refused.
                context.load_cert_chain(certificate, key, password="")
            except Broken as error:
                raise SettingsError(f"{VARIABLE}: {error}") from error
            except OSError as error:
                raise SettingsError(f"{VARIABLE}: {certificate} with {key}: {_why(error)}") from error
        return context

    def _stamp(self) -> list[tuple[int, int, int] | None]:
        return [_stamp(self.folder / name) for name in (CA, CERTIFICATE, KEY)]


def uses_certificate(url: str) -> bool:
    """Whether the certificate logs in to the broker (SASL EXTERNAL): over TLS, without a password in the URL."""
    parts = urlsplit(url)
    return parts.scheme == "amqps" and not parts.password


def require_for_broker(url: str | None, tls: Tls | None) -> None:
    """Raises `SettingsError` when the broker's URL needs TLS files that are missing."""
    if url is None or not url.startswith("amqps:"):
        return
    if tls is None:
        raise SettingsError(f"{VARIABLE}: must be set because TONGYUAN_AMQP_URL begins with amqps")
    if uses_certificate(url) and not tls.certified:
        raise SettingsError(f"{VARIABLE}: must contain {CERTIFICATE} because TONGYUAN_AMQP_URL has no password")


def reason(error: BaseException) -> str:
    """Return what TLS reports about a failure or any of its causes; otherwise the failure's type."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"certificate not accepted: {cause.verify_message}"
        if isinstance(cause, ssl.SSLError):
            return f"TLS: {getattr(cause, 'reason', None) or cause}"
        cause = cause.__cause__ or cause.__context__
    return type(error).__name__


def _why(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        words = {"KEY_VALUES_MISMATCH": "the key does not match the certificate"}
        return words.get(error.reason or "", f"cannot be read ({error.reason or error})")
    return error.strerror or str(error)


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size
