"""The lying web server, and clients for it."""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.http.client import HttpClient
from greenlang_data.drivers.http.jsons import read_any
from greenlang_data.drivers.http.message import Answer, Ask
from greenlang_data.runtime import get_runtime
from greenlang_data.settings.http import HttpSettings

FOLDER = Path(__file__).parent


@dataclass
class Web:
    """A running server; ``other`` is the port of a second origin."""

    port: int
    other: int
    scheme: str = "http"

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def client(self, **settings: Any) -> HttpClient:
        return HttpClient(self.url, config(**settings), "web")

    def seen(self, path: str) -> list[dict[str, Any]]:
        return [one for one in self._tell("seen") if one["path"].split("?")[0] == path]

    def gone(self) -> list[str]:
        return list(self._tell("gone"))

    def _tell(self, what: str) -> Any:
        return run(HttpClient(self.url, config(), "teller"), what).data


def config(**settings: Any) -> HttpSettings:
    return HttpSettings(
        connector_id="web", connector_type="web", **{"timeout_seconds": 5, **settings}
    )


def run(client: HttpClient, url: str, log: ReadLog | None = None, **ask: Any) -> Answer[Any]:
    """Ask on the package's own event loop, as a driver does."""
    log = ReadLog() if log is None else log
    return get_runtime().run(client.ask(Ask(url, **ask), log, read_any))


@contextmanager
def served(*options: str, scheme: str = "http", server: str = "lying_server.py") -> Iterator[Web]:
    process = subprocess.Popen(
        [sys.executable, str(FOLDER / server), *options], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        ports = json.loads(process.stdout.readline())
        yield Web(ports["port"], ports["other"], scheme)
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


@pytest.fixture(scope="module")
def web() -> Iterator[Web]:
    with served() as running:
        yield running


@pytest.fixture
def serve() -> Iterator[Callable[..., Web]]:
    """Servers with options of their own."""
    with ExitStack() as stack:
        yield lambda *options, **more: stack.enter_context(served(*options, **more))


def own_certificate(folder: Path) -> tuple[str, str]:
    """``tls.pem``, for 127.0.0.1 and its own authority, and ``tls.key``."""
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
    (folder / "tls.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "tls.key").write_bytes(key.private_bytes(serialization.Encoding.PEM, form, plain))
    return str(folder / "tls.pem"), str(folder / "tls.key")
