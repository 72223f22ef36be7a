"""A certificate authority for tests, and the certificates it issues to servers."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = timedelta(days=1)


class Authority:
    """Issues certificates in `folder`; its own is `ca.pem` there."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(f"authority of {folder.name}")
        now = datetime.now(UTC)
        basic = x509.BasicConstraints(ca=True, path_length=0)
        certificate = _builder(self._name, self._name, self._key.public_key(), now - 30 * DAY, now + 30 * DAY)
        self.file = folder / "ca.pem"
        self.file.write_bytes(_pem(certificate.add_extension(basic, critical=True).sign(self._key, hashes.SHA256())))

    def issue(
        self, name: str, *, days: int = 10, host: str = "localhost", address: str | None = None
    ) -> tuple[Path, Path]:
        """Issue certificate and key, as files. `days` < 0: expired that long ago."""
        key = ec.generate_private_key(ec.SECP256R1())
        end = datetime.now(UTC) + days * DAY
        names: list[x509.GeneralName] = [x509.DNSName(host)]
        if address:
            names.append(x509.IPAddress(ip_address(address)))
        certificate = _builder(_name(name), self._name, key.public_key(), end - 20 * DAY, end)
        signed = certificate.add_extension(x509.SubjectAlternativeName(names), critical=False)
        paths = self._folder / f"{name}.pem", self._folder / f"{name}.key"
        paths[0].write_bytes(_pem(signed.sign(self._key, hashes.SHA256())))
        encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        paths[1].touch(mode=0o600)
        paths[1].write_bytes(key.private_bytes(encoding, form, serialization.NoEncryption()))
        return paths

    @classmethod
    def of(cls, theirs: Path, folder: Path) -> Self:
        """Load the authority of deploy/certificates.py, to sign what that script would refuse."""
        made = cls(folder)
        key = serialization.load_pem_private_key((theirs / "ca.key").read_bytes(), password=None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        made.file, made._key = theirs / "ca.pem", key
        made._name = x509.load_pem_x509_certificate(made.file.read_bytes()).subject
        return made

    def folder(
        self, name: str, *, believes: "Authority | None" = None, days: int = 10, host: str = "localhost"
    ) -> Path:
        """Return the settings of `shared.security.tls`: the certificate of `name`, for 127.0.0.1 or another host."""
        folder = self._folder / f"tls-{name}"
        folder.mkdir(exist_ok=True)
        address = "127.0.0.1" if host == "localhost" else None
        certificate, key = self.issue(name, days=days, host=host, address=address)
        certificate.replace(folder / "certificate.pem")
        key.replace(folder / "key.pem")
        (folder / "ca.pem").write_bytes((believes or self).file.read_bytes())
        return folder


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, start: datetime, end: datetime
) -> x509.CertificateBuilder:
    made = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
    return made.serial_number(x509.random_serial_number()).not_valid_before(start).not_valid_after(end)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
