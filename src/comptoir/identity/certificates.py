"""An own certificate authority and a server certificate of it, for ``comptoir serve --tls``.

Made once, kept in a folder that only its owner can read, reused at each start and renewed in time. Imported
only when needed: it costs start-up time. Does file access, but neither reads the clock nor the database.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from filelock import FileLock

LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")
EVERY_ADDRESS = frozenset({"0.0.0.0", "::"})  # noqa: S104 - names to leave out of a certificate
AUTHORITY_LIFETIME = timedelta(days=3_650)
SERVER_LIFETIME = timedelta(days=397)
"""The longest that browsers accept."""

RENEWED_BEFORE_END = timedelta(days=30)
BACKDATED = timedelta(days=1)
"""Clients whose clock is a little behind accept a new certificate at once."""

LOCK_SECONDS_MAX = 30


@dataclass(frozen=True, slots=True)
class CertificateFiles:
    """PEM files: the authority that clients must trust, the server's certificate and its key."""

    authority: Path
    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class _Issued:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def ensure(folder: Path, hosts: Sequence[str], wall: datetime) -> CertificateFiles:
    """The files for a server reached as this machine or under one of ``hosts`` (names or addresses).

    What lies in ``folder`` is reused while it fits and does not end within 30 days; a new server certificate
    comes from the same authority, so that clients keep trusting it.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with FileLock(folder / "lock", timeout=LOCK_SECONDS_MAX):
        authority = _reuse_or_make(
            folder / "authority.pem",
            folder / "authority-key.pem",
            lambda kept: _lasts(kept, wall + SERVER_LIFETIME),
            lambda: _make_authority(wall),
        )
        names = _names(hosts)
        _reuse_or_make(
            folder / "server.pem",
            folder / "server-key.pem",
            lambda kept: _lasts(kept, wall) and _covers(kept, names) and _is_issued_by(kept, authority),
            lambda: _make_server(authority, names, wall),
        )
    return CertificateFiles(folder / "authority.pem", folder / "server.pem", folder / "server-key.pem")


def ends_at(file: Path) -> datetime:
    """Until when the (first) certificate of a PEM file is valid. Raises ``OSError`` and ``ValueError``."""
    return x509.load_pem_x509_certificate(file.read_bytes()).not_valid_after_utc


def _reuse_or_make(
    certificate_file: Path,
    key_file: Path,
    fits: Callable[[x509.Certificate], bool],
    make: Callable[[], _Issued],
) -> _Issued:
    kept = _read(certificate_file, key_file)
    if kept is not None and fits(kept.certificate):
        return kept
    made = make()
    key_pem = made.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    _write(key_file, key_pem)
    _write(certificate_file, made.certificate.public_bytes(serialization.Encoding.PEM))
    return made


def _read(certificate_file: Path, key_file: Path) -> _Issued | None:
    """A certificate with its key; ``None`` if one is missing, damaged, or not the other's."""
    try:
        certificate = x509.load_pem_x509_certificate(certificate_file.read_bytes())
        key = serialization.load_pem_private_key(key_file.read_bytes(), password=None)
    except (OSError, ValueError):
        return None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
        return None
    return _Issued(certificate, key)


def _write(file: Path, pem: bytes) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    draft = file.with_suffix(".new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        out.write(pem)
    draft.replace(file)


def _lasts(certificate: x509.Certificate, moment: datetime) -> bool:
    starts_at = certificate.not_valid_before_utc
    return starts_at <= moment and moment + RENEWED_BEFORE_END < certificate.not_valid_after_utc


def _covers(certificate: x509.Certificate, names: Sequence[x509.GeneralName]) -> bool:
    listed = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return set(names) <= set(listed)


def _is_issued_by(certificate: x509.Certificate, authority: _Issued) -> bool:
    try:
        certificate.verify_directly_issued_by(authority.certificate)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def _names(hosts: Sequence[str]) -> list[x509.GeneralName]:
    wanted = dict.fromkeys(host.strip("[]").lower() for host in (*LOCAL_HOSTS, *hosts))
    return [_general_name(host) for host in wanted if host not in EVERY_ADDRESS]


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _make_authority(wall: datetime) -> _Issued:
    key = ec.generate_private_key(ec.SECP256R1())
    name = _common_name("Comptoir local certificate authority")
    builder = _builder(key.public_key(), name, name, wall, AUTHORITY_LIFETIME).add_extension(
        x509.BasicConstraints(ca=True, path_length=0), critical=True
    )
    return _Issued(_usage(builder, signs_certificates=True).sign(key, hashes.SHA256()), key)


def _make_server(authority: _Issued, names: Sequence[x509.GeneralName], wall: datetime) -> _Issued:
    key = ec.generate_private_key(ec.SECP256R1())
    issuer = authority.certificate.subject
    builder = (
        _builder(key.public_key(), _common_name("Comptoir"), issuer, wall, SERVER_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()), critical=False
        )
    )
    return _Issued(_usage(builder, signs_certificates=False).sign(authority.key, hashes.SHA256()), key)


def _builder(
    public_key: ec.EllipticCurvePublicKey,
    subject: x509.Name,
    issuer: x509.Name,
    wall: datetime,
    lifetime: timedelta,
) -> x509.CertificateBuilder:
    starts_at = wall - BACKDATED
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(starts_at)
        .not_valid_after(starts_at + lifetime)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )


def _usage(builder: x509.CertificateBuilder, *, signs_certificates: bool) -> x509.CertificateBuilder:
    usage = x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    return builder.add_extension(usage, critical=True)


def _common_name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
