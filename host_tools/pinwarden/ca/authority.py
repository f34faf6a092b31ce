"""The authority: a key that signs boards' certificates, and the certificate that phones are told to trust.

It is a folder, the user's own or one beside device folders (pinwarden-ca): ca.key (0600) and ca.crt. What the
authority may sign for is written into its certificate, as critical name constraints (RFC 5280 section
4.2.1.10): names and addresses that exist in local networks only. A stolen key then signs no bank.
"""

from __future__ import annotations

import datetime
import ipaddress
import os
import secrets
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from pinwarden.errors import AuthorityExists, BadCertificate, NoAuthority
from pinwarden.files import PRIVATE_FILE, PRIVATE_FOLDER, PUBLIC_FILE, blamed, read_text, short, write_atomic

VARIABLE = "PINWARDEN_CA"  # the authority's folder
BESIDE = "pinwarden-ca"  # its name where it is beside device folders
KEY_FILE, CERTIFICATE_FILE = "ca.key", "ca.crt"
CA_DAYS = 3650
LEAF_DAYS = 397  # Apple's systems take none that lives longer than 825, and public ones end here
_BACKDATED = datetime.timedelta(days=1)  # for clocks that are behind

# Nobody can own these on the internet: RFC 6762, 8375, 6761, ICANN's choice of 2024; and what routers use.
LOCAL_NAMES = ("local", "home.arpa", "internal", "lan", "localhost")
LOCAL_NETWORKS = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "127.0.0.0/8")

Address = ipaddress.IPv4Address


@dataclass(frozen=True)
class Names:
    """What a certificate is for: DNS names and IPv4 addresses."""

    dns: tuple[str, ...]
    addresses: tuple[Address, ...]

    def __str__(self) -> str:
        return ", ".join([*self.dns, *map(str, self.addresses)])


class Authority:
    """An authority that was loaded: `certificate`, and whether and what it can sign."""

    def __init__(self, folder: Path, certificate: x509.Certificate) -> None:
        self.folder = folder
        self.certificate = certificate

    @property
    def certificate_file(self) -> Path:
        """The file that phones are given."""
        return self.folder / CERTIFICATE_FILE

    @property
    def key_file(self) -> Path:
        """The file that nobody is given."""
        return self.folder / KEY_FILE

    def permitted(self) -> tuple[list[str], list[ipaddress.IPv4Network]]:
        """The DNS names (each with all below it) and the networks for which it may sign."""
        constraints = self.certificate.extensions.get_extension_for_class(x509.NameConstraints).value
        names = constraints.permitted_subtrees or ()
        return (
            [name.value for name in names if isinstance(name, x509.DNSName)],
            [name.value for name in names if isinstance(name, x509.IPAddress)],  # type: ignore[misc]
        )

    def permits(self, name: str | Address) -> bool:
        """Whether a certificate with this name would be taken."""
        domains, networks = self.permitted()
        if isinstance(name, Address):
            return any(name in network for network in networks)
        return any(name == domain or name.endswith("." + domain) for domain in domains)

    def has_signed(self, certificate: x509.Certificate) -> bool:
        """Whether a certificate is this authority's."""
        try:
            certificate.verify_directly_issued_by(self.certificate)
        except (ValueError, TypeError, InvalidSignature):
            return False
        return True

    def sign(
        self, subject: str, names: Names, public_key: ec.EllipticCurvePublicKey, now: datetime.datetime
    ) -> x509.Certificate:
        """A server's certificate for `names`. Raises NoAuthority, UnreadableFile, ExposedSecret,
        BadCertificate.
        """
        key = self._key()
        others: list[x509.GeneralName] = [x509.DNSName(name) for name in names.dns]
        others += [x509.IPAddress(address) for address in names.addresses]
        end = min(now + datetime.timedelta(days=LEAF_DAYS) - _BACKDATED, self.certificate.not_valid_after_utc)
        builder = (
            x509.CertificateBuilder()
            .subject_name(_called(subject))
            .issuer_name(self.certificate.subject)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _BACKDATED)
            .not_valid_after(end)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(digital_signature=True), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.SubjectAlternativeName(others), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False
            )
        )
        return builder.sign(key, hashes.SHA256())

    def _key(self) -> ec.EllipticCurvePrivateKey:
        if not self.key_file.exists():
            raise NoAuthority(
                f"{short(self.key_file)} is missing: this computer can sign no certificates",
                "Run it where the authority was made, or put the file back from a backup.",
            )
        text = read_text(self.key_file, private=True)
        try:
            key = serialization.load_pem_private_key(text.encode(), password=None)
        except (ValueError, TypeError):
            key = None
        if not isinstance(key, ec.EllipticCurvePrivateKey) or not _match(key, self.certificate):
            raise BadCertificate(
                f"{short(self.key_file)} is not the key of {short(self.certificate_file)}",
                "Put both files back from a backup.",
            )
        return key


def create(folder: Path, names: Iterable[str], now: datetime.datetime) -> Authority:
    """Make a new authority in `folder`, whole or not at all; `names` are further domains that it may sign
    for. Raises AuthorityExists, OSError.
    """
    if os.path.lexists(folder):
        raise AuthorityExists(
            f"{short(folder)} is there already, and is left as it is",
            "What it has signed is trusted where its certificate is. Look at it with: pinwarden ca show",
        )
    key = ec.generate_private_key(ec.SECP256R1())
    # Two of them are told apart in a phone's list.
    name = _called(f"Pinwarden CA {now:%Y-%m} {secrets.token_hex(3)}")
    permitted: list[x509.GeneralName] = [
        x509.DNSName(domain) for domain in dict.fromkeys((*LOCAL_NAMES, *names))
    ]
    permitted += [x509.IPAddress(ipaddress.IPv4Network(network)) for network in LOCAL_NETWORKS]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now + datetime.timedelta(days=CA_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(key_cert_sign=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.NameConstraints(permitted, None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    _write(folder, key, certificate)
    return Authority(folder, certificate)


def load(folder: Path) -> Authority:
    """The authority in a folder. Raises NoAuthority, UnreadableFile, BadCertificate."""
    file = folder / CERTIFICATE_FILE
    if not file.exists():
        raise NoAuthority(
            "there is no certificate authority yet: nothing could sign a board's certificate",
            "Make one, once: pinwarden ca init",
        )
    return Authority(folder, read_certificate(file))


def find(device: Path | None = None) -> Path:
    """Where the authority of a device folder is, or would be: named by PINWARDEN_CA, beside the device, or
    the user's own.
    """
    named = os.environ.get(VARIABLE)
    if named:
        return Path(os.path.expanduser(named))
    beside = (device.resolve().parent if device else Path()) / BESIDE
    return beside if beside.is_dir() else users_own()


def users_own() -> Path:
    """The folder of the user's own."""
    import platformdirs

    return Path(platformdirs.user_data_dir("pinwarden", appauthor=False)) / "ca"


def read_certificate(file: Path) -> x509.Certificate:
    """A certificate in PEM. Raises UnreadableFile, BadCertificate."""
    try:
        return x509.load_pem_x509_certificate(read_text(file).encode())
    except ValueError:
        raise BadCertificate(f"{short(file)} is no certificate", "Put it back from a backup.") from None


def fingerprint(certificate: x509.Certificate) -> str:
    """SHA-256, as phones show it: "0A 1B …"."""
    return certificate.fingerprint(hashes.SHA256()).hex(" ").upper()


def _write(folder: Path, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    building = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}")
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    try:
        with blamed(folder):
            building.mkdir(mode=PRIVATE_FOLDER)
            write_atomic(building / KEY_FILE, private_pem(key), PRIVATE_FILE)
            write_atomic(building / CERTIFICATE_FILE, pem, PUBLIC_FILE)
            write_atomic(building / ".gitignore", f"/{KEY_FILE}\n".encode())
            building.rename(folder)
    except BaseException:
        shutil.rmtree(building, ignore_errors=True)
        raise


def private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """The key as PEM, PKCS #8, without a password."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _match(key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> bool:
    return key.public_key() == certificate.public_key()


def _called(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _usage(*, digital_signature: bool = False, key_cert_sign: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
