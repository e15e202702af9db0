"""TLS to outstations: verified both ways, and errors that say which certificate is wrong."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import greenlang_data as gd
from greenlang_data.drivers.dnp3 import Dnp3Driver
from greenlang_data.errors import AuthenticationError, ConfigurationError
from tests.drivers.dnp3.helpers import config, read_once, snapshot
from tests.peers.launch_dnp3 import Dnp3Peer, Dnp3SecondPeer


async def read(port: int, host: str, **changed: object) -> float | None:
    driver = Dnp3Driver(config(port, endpoint=f"{host}:{port}", tls=True, **changed))
    await driver.connect()
    try:
        value: float | None = (await snapshot(driver, ["analog:1"]))["analog:1"]["value"]
        return value
    finally:
        await driver.close()


def certificates(folder: Path) -> tuple[Path, Path]:
    """A certificate for the name localhost that signs itself, and its key."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
            *("-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    return certificate, key


async def serve_tls(peer: Dnp3Peer, context: ssl.SSLContext) -> asyncio.Server:
    """TLS in front of a peer."""

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(4096):
            writer.write(data)
        writer.close()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", peer.port)
        await asyncio.gather(
            copy(reader, inner_writer), copy(inner_reader, writer), return_exceptions=True
        )

    return await asyncio.start_server(accept, "127.0.0.1", 0, ssl=context)


def test_tls_is_verified_and_the_client_shows_its_own_certificate(
    outstation: Dnp3Peer, tmp_path: Path
) -> None:
    certificate, key = certificates(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.load_verify_locations(certificate)
    context.verify_mode = ssl.CERT_REQUIRED

    async def use() -> None:
        server = await serve_tls(outstation, context)
        port = server.sockets[0].getsockname()[1]
        own = {"certificate_path": str(certificate), "private_key_path": str(key)}
        trusted = {"ca_certificate_path": str(certificate)}
        assert await read(port, "localhost", **own, **trusted) == 3.5
        with pytest.raises(AuthenticationError, match=r"(?s)TLS.*failed.*ca_certificate_path"):
            await read(port, "localhost", **own)
        with pytest.raises(AuthenticationError, match=r"127\.0\.0\.1"):
            await read(port, "127.0.0.1", **own, **trusted)
        with pytest.raises(ConfigurationError, match="certificate or key cannot be used"):
            await read(port, "localhost", ca_certificate_path=str(tmp_path / "none.pem"))
        server.close()

    asyncio.run(use())


def test_certificates_without_tls_are_an_error() -> None:
    with pytest.raises(ConfigurationError, match="does nothing without tls"):
        read_once(config(1, ca_certificate_path="plant.pem"), ["analog:1"])


def test_tls_of_another_implementation_with_the_clients_certificate(
    dnp3_second_factory: Callable[..., Dnp3SecondPeer], tmp_path: Path
) -> None:
    for name in ("device", "client"):
        (tmp_path / name).mkdir()
    device, device_key = certificates(tmp_path / "device")
    client, client_key = certificates(tmp_path / "client")
    peer = dnp3_second_factory(certificate=device, key=device_key, client_certificate=client)
    settings = {
        "endpoint": f"localhost:{peer.port}",
        "tls": True,
        "ca_certificate_path": str(device),
        "certificate_path": str(client),
        "private_key_path": str(client_key),
    }
    with gd.Session(sources=[config(peer.port, **settings)]) as session:
        assert session.scada(["analog:28", "counter:6"])["value"].tolist() == [-86, 6000]
    with pytest.raises(AuthenticationError, match=r"(?s)TLS.*failed.*ca_certificate_path"):
        read_once(config(peer.port, **{**settings, "ca_certificate_path": None}), ["analog:28"])
    wrong = {"certificate_path": str(device), "private_key_path": str(device_key)}
    with pytest.raises((AuthenticationError, gd.SourceUnreachable)):
        read_once(config(peer.port, **{**settings, **wrong}), ["analog:28"])
