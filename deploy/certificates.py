"""A private authority for one county, and a certificate for each of its processes. Run it again to renew.

    python certificates.py FOLDER [--also HOST …] [--integrator ACCOUNT …] [--days 365] [--left 60] [--all]

    FOLDER/authority/      ca.pem and its key: keep the key where only two people can reach it
    FOLDER/<process>/      ca.pem, certificate.pem, key.pem: TONGYUAN_TLS_FOLDER of that process, and of no other
    FOLDER/<account>/      the same for an integrator with a queue at the broker (docs/integrating/amqp.md)

What is there and lasts for `--left` more days is kept. The name in a certificate (CN) is the process's account at the
broker. As root the files go to the users of docker-compose.yml. Needs nothing but `cryptography`.
"""

import argparse
import os
import re
import sys
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAY = timedelta(days=1)
AUTHORITY_DAYS = 3650
ACCOUNTS = {
    # Who only reads pages and the database has no account at the broker, so the name must be none.
    # made of the manifests: certificates
    "catalog": "catalog",
    "guides": "guides",
    "applications": "applications",
    "ledger": "ledger",
    "web": "web",
    "mobile": "mobile-http",
    "kiosk": "kiosk-http",
    "portal": "portal-http",
    "auditor": "auditor-http",
    "console": "console-http",
    "importing": "importing-http",
    "subscriptions": "subscriptions",
    "catalog-worker": "catalog",
    "guides-worker": "guides",
    "applications-worker": "applications",
    "ledger-worker": "ledger",
    "web-worker": "web",
    "mobile-worker": "mobile",
    "kiosk-worker": "kiosk",
    "portal-worker": "portal",
    # end of certificates
    **{name: name for name in ("postgres", "rabbitmq", "topology", "migrate", "roles", "gateway", "intake", "editors")},
    "cli": "topology",
}
USERS = {"postgres": 999, "roles": 999, "rabbitmq": 999, "gateway": 101}
OURS = 10001

USES = {
    "digital_signature": False, "content_commitment": False, "key_encipherment": False, "data_encipherment": False,
    "key_agreement": False, "key_cert_sign": False, "crl_sign": False, "encipher_only": False, "decipher_only": False,
}  # fmt: skip


class Authority:
    """Signs. Made when there is none in `folder`; never made anew, since everybody believes this one."""

    def __init__(self, folder: Path) -> None:
        self.file, key_file = folder / "ca.pem", folder / "ca.key"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not self.file.exists():
            key = ec.generate_private_key(ec.SECP256R1())
            name = _name("authority of the county's processes")
            certificate = _begin(name, name, key.public_key(), AUTHORITY_DAYS, datetime.max.replace(tzinfo=UTC))
            certificate = certificate.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            usage = x509.KeyUsage(**{**USES, "key_cert_sign": True, "crl_sign": True})
            signed = certificate.add_extension(usage, critical=True).sign(key, hashes.SHA256())
            _write(key_file, _key_pem(key), 0o600)
            _write(self.file, signed.public_bytes(serialization.Encoding.PEM), 0o644)
        self.certificate = x509.load_pem_x509_certificate(self.file.read_bytes())
        if not key_file.exists():
            sys.exit(f"{key_file} is missing: put it back for signing, then remove it again")
        loaded = serialization.load_pem_private_key(key_file.read_bytes(), password=None)
        if not isinstance(loaded, ec.EllipticCurvePrivateKey):
            sys.exit(f"{key_file} contains no elliptic-curve key: put the authority's own key there")
        self.key = loaded

    def issue(self, folder: Path, account: str, hosts: list[str], days: int) -> None:
        """A new key and its certificate, for both ends of a connection. Never outlives the authority."""
        key = ec.generate_private_key(ec.SECP256R1())
        begun = _begin(_name(account), self.certificate.subject, key.public_key(), days, ends(self.certificate))
        both = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        extensions: list[tuple[x509.ExtensionType, bool]] = [
            (x509.BasicConstraints(ca=False, path_length=None), True),
            (x509.KeyUsage(**{**USES, "digital_signature": True}), True),
            (x509.ExtendedKeyUsage(both), False),
            (x509.SubjectAlternativeName([_host(host) for host in hosts]), False),
            (x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), False),
        ]
        for extension, critical in extensions:
            begun = begun.add_extension(extension, critical=critical)
        signed = begun.sign(self.key, hashes.SHA256())
        _write(folder / "key.pem", _key_pem(key), 0o600)
        _write(folder / "certificate.pem", signed.public_bytes(serialization.Encoding.PEM), 0o644)
        _write(folder / "ca.pem", self.file.read_bytes(), 0o644)


def main() -> None:
    """See the head of this file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "--also", metavar="HOST", action="append", default=[], help="additional host name of every process"
    )
    parser.add_argument(
        "--integrator", metavar="ACCOUNT", action="append", default=[], type=_integrator, help="such as sub_…"
    )
    parser.add_argument("--days", type=int, default=365, help="lifetime of a certificate in days")
    parser.add_argument("--left", type=int, default=60, help="renew certificates that expire within this many days")
    parser.add_argument("--all", action="store_true", help="renew all certificates")
    asked = parser.parse_args()
    if asked.days <= asked.left:
        parser.error("--days must be greater than --left; otherwise every run renews everything")
    os.umask(0o077)
    authority = Authority(asked.folder / "authority")
    asked.folder.chmod(0o755)
    accounts = {**ACCOUNTS, **{name: name for name in asked.integrator}}
    made = [name for name in accounts if asked.all or _due(asked.folder / name, asked.left)]
    for name in made:
        folder = asked.folder / name
        folder.mkdir(exist_ok=True)
        authority.issue(folder, accounts[name], [name, *asked.also], asked.days)
        _give(folder, USERS.get(name, OURS))
    sys.stdout.write(f"made {len(made)}, kept {len(accounts) - len(made)}; the authority expires on ")
    sys.stdout.write(f"{ends(authority.certificate):%Y-%m-%d}\n")


def ends(certificate: x509.Certificate) -> datetime:
    """In UTC. The library of Debian 12 does not know the newer name yet."""
    if hasattr(certificate, "not_valid_after_utc"):
        return certificate.not_valid_after_utc
    return certificate.not_valid_after.replace(tzinfo=UTC)


def _integrator(text: str) -> str:
    """Return the account of an integrator. No other account is issued by name: it could be that of a process."""
    if not re.fullmatch(r"sub_[0-9a-f]{24}", text):
        raise argparse.ArgumentTypeError("must be sub_ and 24 hexadecimal digits, as `subscription add` shows it")
    return text


def _due(folder: Path, left: int) -> bool:
    file = folder / "certificate.pem"
    if not file.exists():
        return True
    certificate = x509.load_pem_x509_certificate(file.read_bytes())
    return ends(certificate) < datetime.now(UTC) + left * DAY


def _begin(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, days: int, latest: datetime
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    begun = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
    # An hour back: the clocks of a county's machines differ.
    begun = begun.serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(hours=1))
    identifier = x509.SubjectKeyIdentifier.from_public_key(key)
    return begun.not_valid_after(min(now + days * DAY, latest)).add_extension(identifier, critical=False)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _host(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())


def _write(file: Path, content: bytes, mode: int) -> None:
    """Aside, then in its place: whoever reads meanwhile gets the old file or the new one."""
    fresh = file.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as out:
        os.fchmod(out.fileno(), mode)
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    fresh.replace(file)


def _give(folder: Path, user: int) -> None:
    if os.geteuid() == 0:
        for path in (folder, *folder.iterdir()):
            os.chown(path, user, user)


if __name__ == "__main__":
    main()
