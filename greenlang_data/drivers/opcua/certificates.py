"""Certificates: ours, made on first use, and which servers' are trusted.

They live in ``pki`` under ``$GREENLANG_DATA_HOME``, or else in the user's data folder:
``own/`` ours and its key, ``trusted/`` those remembered by ``trust_on_first_use`` or moved there
by the user, and ``rejected/`` those that were shown and not trusted, for the user to look at.
"""

from __future__ import annotations

import os
import socket
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from asyncua.crypto.cert_gen import (
    dump_private_key_as_pem,
    generate_private_key,
    generate_self_signed_app_certificate,
)
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import ExtendedKeyUsageOID

from greenlang_data.errors import AuthenticationError, ConfigurationError

# Plants renew trust by hand, so a year would be an outage a year.
_VALID_DAYS: Final = 5 * 365
_RENEW_BEFORE: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Identity:
    """Our certificate with its key; ``path`` is what an administrator may have to trust."""

    certificate: x509.Certificate
    private_key: Any
    path: Path
    application_uri: str


def pki_folder() -> Path:
    """The folder of keys and certificates; not created here."""
    home = os.environ.get("GREENLANG_DATA_HOME")
    if home:
        return Path(home) / "pki"
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    else:
        base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base) / "greenlang_data" / "pki"


def load_identity(certificate_path: str | None, key_path: str | None, source: str) -> Identity:
    """The configured certificate and key, or our own, made now if there is none yet.

    Raises ConfigurationError when a file cannot be read or the two do not belong together.
    """
    pair = load_pair(certificate_path, key_path, "", source)
    if pair is None:
        return _own_identity(source)
    certificate, private_key, path = pair
    uri = _uri_of(certificate) or _application_uri()
    return Identity(certificate, private_key, path, uri)


def load_pair(
    certificate_path: str | None, key_path: str | None, prefix: str, source: str
) -> tuple[x509.Certificate, Any, Path] | None:
    """A certificate, its key and its file from ``<prefix>certificate_path`` and its like.

    None when neither is given. Raises ConfigurationError when only one is, when a file cannot be
    read, when the two do not belong together, and when the certificate is not valid today.
    """
    setting, key_setting = f"{prefix}certificate_path", f"{prefix}private_key_path"
    if certificate_path is None and key_path is None:
        return None
    if certificate_path is None or key_path is None:
        other = "both, or neither" + ("" if prefix else " to have a certificate made")
        raise ConfigurationError(
            f"{setting} and {key_setting} go together", source=source, remedy=f"Give {other}."
        )
    certificate = read_certificate(Path(certificate_path), setting, source)
    private_key = _read_key(Path(key_path), key_setting, source)
    if private_key.public_key() != certificate.public_key():
        raise ConfigurationError(
            f"the key in {key_path} does not belong to the certificate in {certificate_path}",
            source=source,
            remedy="Give the pair that was made together.",
        )
    if not _is_valid_now(certificate):
        raise ConfigurationError(
            f"{setting}: the certificate in {certificate_path} is not valid now: "
            f"{_described(certificate)}",
            source=source,
            remedy="Have a new one issued, and check this machine's clock.",
        )
    return certificate, private_key, Path(certificate_path)


def _is_valid_now(certificate: x509.Certificate) -> bool:
    return certificate.not_valid_before_utc <= datetime.now(UTC) <= certificate.not_valid_after_utc


def _own_identity(source: str) -> Identity:
    folder = pki_folder() / "own"
    path, key_path = folder / "certificate.der", folder / "private_key.pem"
    if path.exists() and key_path.exists():
        certificate = read_certificate(path, "the certificate made for you", source)
        if certificate.not_valid_after_utc - _RENEW_BEFORE > datetime.now(UTC):
            uri = _uri_of(certificate) or _application_uri()
            return Identity(
                certificate, _read_key(key_path, "the key made for you", source), path, uri
            )
    uri = _application_uri()
    private_key = generate_private_key()
    names = [x509.UniformResourceIdentifier(uri), x509.DNSName(_host_name())]
    usage = [ExtendedKeyUsageOID.CLIENT_AUTH]
    certificate = generate_self_signed_app_certificate(
        private_key, "greenlang_data", {}, names, usage, _VALID_DAYS
    )
    _write_private(key_path, dump_private_key_as_pem(private_key), source)
    _write_private(path, der(certificate), source)
    return Identity(certificate, private_key, path, uri)


def check_server(
    shown: x509.Certificate, pinned: str | None, first_use: bool, address: str, source: str
) -> None:
    """Let the server's certificate pass, or raise AuthenticationError with what to do about it.

    Trusted is the one in the file ``pinned`` and no other; without that, those in the trust folder
    for ``address`` (``host:port``); with ``first_use``, whichever comes first, which is remembered.
    Only one that is pinned may be past its validity.
    """
    if pinned is not None:
        expected = read_certificate(Path(pinned), "server_certificate_path", source)
        if der(expected) != der(shown):
            raise _changed(shown, expected, address, "server_certificate_path", source)
        return
    if not _is_valid_now(shown):
        raise AuthenticationError(
            f"the certificate of {address} is not valid now: {_described(shown)}",
            source=source,
            remedy="Have it renewed, and check both machines' clocks; to go on until then, "
            f"set {_pin(shown, address, source)}.",
        )
    trusted = _trusted(address)
    for path in trusted:
        if der(read_certificate(path, "the trust folder", source)) == der(shown):
            return
    if trusted:
        expected = read_certificate(trusted[0], "the trust folder", source)
        raise _changed(shown, expected, address, str(trusted[0]), source)
    if not first_use:
        raise AuthenticationError(
            f"the certificate of {address} is not trusted yet: {_described(shown)}",
            source=source,
            remedy=f"If that is the right server, set {_pin(shown, address, source)}, "
            f"or move that file to {pki_folder() / 'trusted'}, or set trust_on_first_use = true.",
        )
    _write_private(pki_folder() / "trusted" / f"{_file_name(address)}.der", der(shown), source)


def _trusted(address: str) -> list[Path]:
    """The files of the trust folder for an address: the remembered one, and any moved there."""
    folder, name = pki_folder() / "trusted", _file_name(address)
    if not folder.is_dir():
        return []
    moved = (path for path in folder.iterdir() if path.name.startswith(f"{name}-"))
    remembered = folder / f"{name}.der"
    return [one for one in (remembered, *sorted(moved)) if one.exists()]


def _changed(
    shown: x509.Certificate, expected: x509.Certificate, address: str, where: str, source: str
) -> AuthenticationError:
    return AuthenticationError(
        f"{address} shows another certificate than the trusted one, so this may be another "
        f"machine: {_described(shown)}; trusted in {where} is {_described(expected)}",
        source=source,
        remedy=f"If the server was given a new one, set {_pin(shown, address, source)}"
        + (
            "."
            if where == "server_certificate_path"
            else f", or move that file to {pki_folder() / 'trusted'}, or delete {where}."
        ),
    )


def _pin(shown: x509.Certificate, address: str, source: str) -> str:
    """Save a certificate that is not trusted, and say the setting that would trust it."""
    name = f"{_file_name(address)}-{shown.fingerprint(hashes.SHA256()).hex()[:16]}.der"
    path = pki_folder() / "rejected" / name
    _write_private(path, der(shown), source)
    return f"server_certificate_path = {str(path)!r}"


def _described(certificate: x509.Certificate) -> str:
    thumbprint = certificate.fingerprint(hashes.SHA256()).hex(":").upper()
    first, last = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return (
        f"subject {certificate.subject.rfc4514_string()}, valid {first:%Y-%m-%d} to "
        f"{last:%Y-%m-%d}, SHA-256 {thumbprint}"
    )


def der(certificate: x509.Certificate) -> bytes:
    """The certificate as DER."""
    return certificate.public_bytes(serialization.Encoding.DER)


def read_certificate(path: Path, what: str, source: str) -> x509.Certificate:
    """A certificate from a DER or PEM file; ``what`` names the setting in errors."""
    content = _read(path, what, source)
    try:
        if b"-----BEGIN" in content:
            return x509.load_pem_x509_certificate(content)
        return x509.load_der_x509_certificate(content)
    except ValueError as error:
        raise ConfigurationError(
            f"{what}: {path} holds no certificate", source=source, remedy="Give a DER or PEM file."
        ) from error


def _read_key(path: Path, what: str, source: str) -> Any:
    content = _read(path, what, source)
    try:
        if b"-----BEGIN" in content:
            return serialization.load_pem_private_key(content, None)
        return serialization.load_der_private_key(content, None)
    except (ValueError, TypeError) as error:
        # The library's own message may quote the file, and that is a key.
        raise ConfigurationError(
            f"{what}: {path} holds no private key that can be read without a password",
            source=source,
            remedy="Give an unencrypted DER or PEM file, and protect it by its permissions.",
        ) from error


def _read(path: Path, what: str, source: str) -> bytes:
    try:
        return path.expanduser().read_bytes()
    except OSError as error:
        raise ConfigurationError(
            f"{what}: {path} cannot be read ({error.strerror})",
            source=source,
            remedy="Correct the path or its permissions.",
        ) from error


def _write_private(path: Path, content: bytes, source: str) -> None:
    """Write a file that only the user can read, whole or not at all."""
    aside = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        aside.replace(path)
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be written ({error.strerror})",
            source=source,
            remedy="Set GREENLANG_DATA_HOME to a folder that you can write to.",
        ) from error


def _uri_of(certificate: x509.Certificate) -> str | None:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return None
    uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    return uris[0] if uris else None


def _application_uri() -> str:
    return f"urn:{_host_name()}:greenlang_data"


def _host_name() -> str:
    return socket.gethostname() or "localhost"


def _file_name(address: str) -> str:
    return "".join(one if one.isalnum() or one in ".-" else "_" for one in address)
