"""Certificates for the TLS peers, made offline for one test run."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

KEY_PASSWORD = "peer-key-password"


@dataclass(frozen=True)
class Identity:
    """One certificate and its key as PEM files."""

    certificate: Path
    key: Path
    both: Path
    encrypted_key: Path


@dataclass(frozen=True)
class Certificates:
    """Everything a TLS test needs; ``authority`` signed all but the last three."""

    authority: Path
    server: Identity
    client: Identity
    expired: Identity
    wrong_name: Identity
    self_signed: Identity
    foreign_authority: Path
    foreign_client: Identity


@dataclass(frozen=True)
class _Signer:
    name: x509.Name
    key: ec.EllipticCurvePrivateKey


def make_certificates(folder: Path) -> Certificates:
    """Write all certificates into ``folder``; the keys are good for nothing but tests."""
    signer, authority = _authority(folder, "peer-authority")
    foreign, foreign_authority = _authority(folder, "foreign-authority")
    return Certificates(
        authority=authority,
        server=_identity(folder, "server", signer),
        client=_identity(folder, "client", signer),
        expired=_identity(folder, "expired", signer, days=(-30, -1)),
        wrong_name=_identity(folder, "wrong-name", signer, host="elsewhere.invalid"),
        self_signed=_identity(folder, "self-signed", None),
        foreign_authority=foreign_authority,
        foreign_client=_identity(folder, "foreign-client", foreign),
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _pem(key: ec.EllipticCurvePrivateKey, password: str | None = None) -> bytes:
    protection: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if password is not None:
        protection = serialization.BestAvailableEncryption(password.encode())
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, protection
    )


def _builder(
    subject: x509.Name, key: ec.EllipticCurvePrivateKey, signer: _Signer, days: tuple[int, int]
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.key.public_key())
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(signer.name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=days[0]))
        .not_valid_after(now + timedelta(days=days[1]))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(identifier, critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _authority(folder: Path, name: str) -> tuple[_Signer, Path]:
    signer = _Signer(_name(name), ec.generate_private_key(ec.SECP256R1()))
    certificate = (
        _builder(signer.name, signer.key, signer, (-1, 30))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(signer.key, hashes.SHA256())
    )
    path = folder / f"{name}.pem"
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return signer, path


def _identity(
    folder: Path,
    name: str,
    signer: _Signer | None,
    *,
    days: tuple[int, int] = (-1, 30),
    host: str = "localhost",
) -> Identity:
    key = ec.generate_private_key(ec.SECP256R1())
    names: list[x509.GeneralName] = [x509.DNSName(host)]
    if host == "localhost":
        names.append(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
    purposes = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    own = signer or _Signer(_name(name), key)
    certificate = (
        _builder(_name(name), key, own, days)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .sign(own.key, hashes.SHA256())
    )
    return _written(folder, name, certificate, key)


def _written(
    folder: Path, name: str, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey
) -> Identity:
    public = certificate.public_bytes(serialization.Encoding.PEM)
    contents = {
        f"{name}.pem": public,
        f"{name}.key": _pem(key),
        f"{name}-both.pem": public + _pem(key),
        f"{name}-encrypted.key": _pem(key, KEY_PASSWORD),
    }
    for file, data in contents.items():
        (folder / file).write_bytes(data)
    return Identity(*(folder / file for file in contents))
