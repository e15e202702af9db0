"""Whom a client trusts over TLS."""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from greenlang_data.errors import ConfigurationError
from tests.drivers.http.conftest import Web, run


@pytest.fixture
def secure(tmp_path: Path, serve: Callable[..., Web]) -> Web:
    """A server for 127.0.0.1 whose certificate, its own authority, is ``tls.pem``."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "plant")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    (tmp_path / "tls.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (tmp_path / "tls.key").write_bytes(key.private_bytes(serialization.Encoding.PEM, form, plain))
    files = ("--certificate", str(tmp_path / "tls.pem"), "--key", str(tmp_path / "tls.key"))
    return serve(*files, scheme="https")


def test_only_the_given_authority_is_trusted(secure: Web, tmp_path: Path) -> None:
    client = secure.client(ca_path=str(tmp_path / "tls.pem"), username="u", password="p")
    assert run(client, "hello").data == {"hello": "world"}


def test_a_stranger_is_not_trusted(secure: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError, match=r"certificate of https://127.*ca_path"):
        run(secure.client(), "hello")


def test_the_name_counts(secure: Web, tmp_path: Path) -> None:
    secure.scheme = "https"
    client = secure.client(ca_path=str(tmp_path / "tls.pem"))
    client.base_url = client.base_url.replace("127.0.0.1", "localhost")
    with pytest.raises(ConfigurationError, match=r"is not trusted: .*localhost"):
        run(client, "hello")


@pytest.mark.parametrize(
    ("key", "words"), [("ca_path", "ca_path"), ("client_certificate_path", "client certificate")]
)
def test_a_file_that_is_not_there(web: Web, key: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{words}.*No such file"):
        web.client(**{key: "/nowhere/at/all.pem"})
