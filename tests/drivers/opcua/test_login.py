"""Users, passwords, certificates and trust, against the node-opcua server."""

from __future__ import annotations

import asyncio
import logging
import os
import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from asyncua.crypto.security_policies import SecurityPolicyNone
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from greenlang_data.drivers.opcua import OpcUaDriver
from greenlang_data.drivers.opcua.certificates import load_identity, pki_folder
from greenlang_data.drivers.opcua.faults import ConnectionLostError
from greenlang_data.drivers.opcua.transport import Channel
from greenlang_data.errors import (
    AuthenticationError,
    ConfigurationError,
    GreenLangError,
    ProtocolError,
    SourceTimeout,
    SourceUnreachable,
)
from tests.drivers.opcua.helpers import config, snapshot, with_driver
from tests.peers.launch import OpcuaPeer
from tests.peers.proxy import Fault, FaultProxy

SECURE = {"security_mode": "SignAndEncrypt", "security_policy": "Basic256Sha256"}
FIRST_USE = SECURE | {"trust_on_first_use": True}


@pytest.fixture(autouse=True)
def _own_pki(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GREENLANG_DATA_HOME", str(tmp_path / "home"))


def login(endpoint: str, **changes: Any) -> None:
    async def use(driver: OpcUaDriver) -> None:
        rows = await snapshot(driver, ["Status.Good"])
        assert rows["Status.Good"]["value"] == 20.5

    with_driver(endpoint, use, **changes)


def refused(endpoint: str, kind: type[GreenLangError], **changes: Any) -> str:
    with pytest.raises(kind) as caught:
        login(endpoint, **changes)
    assert type(caught.value) is kind
    assert str(caught.value).startswith("plant: ")
    return str(caught.value)


@pytest.mark.parametrize("mode", ["Sign", "SignAndEncrypt"])
@pytest.mark.parametrize(
    "policy",
    [
        "Basic256Sha256",
        "Aes128_Sha256_RsaOaep",
        "Aes256_Sha256_RsaPss",
        "Basic256",
    ],
)
def test_every_policy_and_mode(opcua_peer: OpcuaPeer, mode: str, policy: str) -> None:
    login(opcua_peer.endpoint, security_mode=mode, security_policy=policy, trust_on_first_use=True)


def test_the_oldest_policy(opcua_factory: Callable[..., OpcuaPeer]) -> None:
    peer = opcua_factory(tags=10, history=10, mixed=10, rsa15=True)
    old = {"security_policy": "Basic128Rsa15", "trust_on_first_use": True}
    login(peer.endpoint, security_mode="Sign", **old)
    user = {"username": "operator", "password": "secret-operator"}
    login(peer.endpoint, security_mode="SignAndEncrypt", **old, **user)


def test_user_and_password_over_an_encrypted_channel(opcua_peer: OpcuaPeer) -> None:
    user = {"username": "operator", "password": "secret-operator"}
    login(opcua_peer.endpoint, **FIRST_USE, **user)


def test_a_wrong_password_is_refused_and_not_shown(opcua_peer: OpcuaPeer) -> None:
    user = {"username": "operator", "password": "hunter2"}
    text = refused(opcua_peer.endpoint, AuthenticationError, **FIRST_USE, **user)
    assert "user or password" in text
    assert "hunter2" not in text


@pytest.mark.parametrize("security", [{}, SECURE | {"security_mode": "Sign"}])
def test_no_password_goes_over_a_channel_that_is_not_encrypted(
    opcua_peer: OpcuaPeer, security: dict[str, Any]
) -> None:
    user = {"username": "operator", "password": "secret-operator"}
    opcua_peer.clear_requests()
    text = refused(opcua_peer.endpoint, ConfigurationError, **security, **user)
    assert "not encrypted" in text
    assert "allow_clear_text_credentials" in text
    assert opcua_peer.requests() == []
    allowed = {"allow_clear_text_credentials": True, "trust_on_first_use": True}
    login(opcua_peer.endpoint, **security, **user, **allowed)


def test_anonymous_users_may_be_refused(opcua_factory: Callable[..., OpcuaPeer]) -> None:
    peer = opcua_factory(no_anonymous=True, tags=1, history=10, mixed=10)
    text = refused(peer.endpoint, AuthenticationError)
    assert "set username and password" in text


def test_an_unknown_server_certificate_is_shown_and_not_trusted(opcua_peer: OpcuaPeer) -> None:
    text = refused(opcua_peer.endpoint, AuthenticationError, **SECURE)
    (saved,) = (pki_folder() / "rejected").iterdir()
    certificate = x509.load_der_x509_certificate(saved.read_bytes())
    assert certificate.fingerprint(hashes.SHA256()).hex(":").upper() in text
    assert certificate.subject.rfc4514_string() in text
    assert f"server_certificate_path = {str(saved)!r}" in text
    assert "trust_on_first_use = true" in text
    # What the message says to write is what works.
    login(opcua_peer.endpoint, **SECURE, server_certificate_path=str(saved))


def test_trust_on_first_use_holds_afterwards(opcua_peer: OpcuaPeer) -> None:
    login(opcua_peer.endpoint, **FIRST_USE)
    (remembered,) = (pki_folder() / "trusted").iterdir()
    assert stat.S_IMODE(remembered.stat().st_mode) == 0o600
    login(opcua_peer.endpoint, **SECURE)


def test_a_changed_certificate_is_refused(
    opcua_peer: OpcuaPeer, opcua_factory: Callable[..., OpcuaPeer]
) -> None:
    login(opcua_peer.endpoint, **FIRST_USE)
    (remembered,) = (pki_folder() / "trusted").iterdir()
    other = load_identity(None, None, "plant").path
    remembered.write_bytes(other.read_bytes())
    for security in (FIRST_USE, SECURE):
        text = refused(opcua_peer.endpoint, AuthenticationError, **security)
        assert "another certificate than the trusted one" in text
        assert f"or delete {remembered}" in text
    pinned = SECURE | {"server_certificate_path": str(other)}
    text = refused(opcua_peer.endpoint, AuthenticationError, **pinned)
    assert "another certificate than the trusted one" in text


def test_our_certificate_is_made_once_and_private(opcua_peer: OpcuaPeer) -> None:
    login(opcua_peer.endpoint, **FIRST_USE)
    own = pki_folder() / "own"
    key, certificate = own / "private_key.pem", own / "certificate.der"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert stat.S_IMODE(own.stat().st_mode) == 0o700
    before = certificate.read_bytes()
    login(opcua_peer.endpoint, **FIRST_USE)
    assert certificate.read_bytes() == before
    names = x509.load_der_x509_certificate(before).extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )
    (uri,) = names.value.get_values_for_type(x509.UniformResourceIdentifier)
    assert uri.endswith(":greenlang_data")


def test_a_server_that_does_not_trust_us_says_which_file(
    opcua_factory: Callable[..., OpcuaPeer],
) -> None:
    peer = opcua_factory(reject_unknown_certificates=True, tags=1, history=10, mixed=10)
    text = refused(peer.endpoint, AuthenticationError, **FIRST_USE)
    assert str(pki_folder() / "own" / "certificate.der") in text
    assert "trust" in text


def test_a_certificate_of_one_s_own(opcua_peer: OpcuaPeer, tmp_path: Path) -> None:
    made = load_identity(None, None, "plant")
    key = made.path.with_name("private_key.pem")
    mine, mine_key = tmp_path / "mine.der", tmp_path / "mine.pem"
    mine.write_bytes(made.path.read_bytes())
    mine_key.write_bytes(key.read_bytes())
    files = {"certificate_path": str(mine), "private_key_path": str(mine_key)}
    login(opcua_peer.endpoint, **FIRST_USE, **files)
    text = refused(opcua_peer.endpoint, ConfigurationError, **FIRST_USE, certificate_path=str(mine))
    assert "go together" in text
    mine_key.write_text("no key")
    text = refused(opcua_peer.endpoint, ConfigurationError, **FIRST_USE, **files)
    assert "private_key_path" in text
    assert "no key" not in text


def made_pair(folder: Path, name: str, days: int = 30) -> dict[str, str]:
    """A certificate and its key in files; with negative ``days`` it ran out that long ago."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=365))
        .not_valid_after(now + timedelta(days=days))
        .sign(key, hashes.SHA256())
    )
    certificate_path, key_path = folder / f"{name}.der", folder / f"{name}.pem"
    certificate_path.write_bytes(made.public_bytes(serialization.Encoding.DER))
    key_path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return {"certificate_path": str(certificate_path), "private_key_path": str(key_path)}


def user_pair(folder: Path, name: str = "user", days: int = 30) -> dict[str, str]:
    return {f"user_{key}": path for key, path in made_pair(folder, name, days).items()}


@pytest.mark.parametrize("mode", ["Sign", "SignAndEncrypt"])
@pytest.mark.parametrize(
    "policy", ["Basic256Sha256", "Aes128_Sha256_RsaOaep", "Aes256_Sha256_RsaPss"]
)
def test_a_user_s_certificate_logs_in(
    opcua_factory: Callable[..., OpcuaPeer], tmp_path: Path, mode: str, policy: str
) -> None:
    # Without anonymous users, so that nothing but the certificate can be what lets us in.
    peer = opcua_factory(no_anonymous=True, tags=1, history=10, mixed=10)
    security = {"security_mode": mode, "security_policy": policy, "trust_on_first_use": True}
    login(peer.endpoint, **security, **user_pair(tmp_path))


def test_a_user_s_certificate_that_the_server_does_not_trust(
    opcua_factory: Callable[..., OpcuaPeer], tmp_path: Path
) -> None:
    peer = opcua_factory(reject_user_certificates=True, tags=1, history=10, mixed=10)
    text = refused(peer.endpoint, AuthenticationError, **FIRST_USE, **user_pair(tmp_path))
    assert "the user's certificate" in text


def test_certificate_logins_that_cannot_be_meant(opcua_peer: OpcuaPeer, tmp_path: Path) -> None:
    pair = user_pair(tmp_path)
    half = {"user_certificate_path": pair["user_certificate_path"]}
    named = pair | {"username": "operator", "password": "secret-operator"}
    old = user_pair(tmp_path, "old", days=-1)
    other = pair | {"user_private_key_path": old["user_private_key_path"]}
    for settings, words in (
        (FIRST_USE | half, "user_certificate_path and user_private_key_path go together"),
        (FIRST_USE | named, "two ways to log in"),
        (FIRST_USE | old, "not valid now"),
        (FIRST_USE | other, "does not belong"),
        (pair, "signed or encrypted"),
    ):
        opcua_peer.clear_requests()
        assert words in refused(opcua_peer.endpoint, ConfigurationError, **settings)
        assert opcua_peer.requests() == []


def test_a_client_certificate_past_its_validity(opcua_peer: OpcuaPeer, tmp_path: Path) -> None:
    old = made_pair(tmp_path, "old", days=-1)
    text = refused(opcua_peer.endpoint, ConfigurationError, **FIRST_USE, **old)
    assert "certificate_path: the certificate in" in text
    assert "not valid now" in text


def test_a_server_certificate_past_its_validity(opcua_factory: Callable[..., OpcuaPeer]) -> None:
    peer = opcua_factory(expired_certificate=True, tags=1, history=10, mixed=10)
    text = refused(peer.endpoint, AuthenticationError, **FIRST_USE)
    assert "not valid now" in text
    assert "valid 2020-01-01 to 2020-12-31" in text
    (saved,) = (pki_folder() / "rejected").iterdir()
    assert not (pki_folder() / "trusted").exists()
    # Whoever names it in so many words may go on.
    login(peer.endpoint, **SECURE, server_certificate_path=str(saved))


def test_a_renewed_server_certificate_is_trusted_by_moving_it(
    opcua_factory: Callable[..., OpcuaPeer],
) -> None:
    peer = opcua_factory(tags=1, history=10, mixed=10)

    async def main() -> None:
        driver = OpcUaDriver(config(peer.endpoint, **FIRST_USE))
        await driver.connect()
        # The peer makes a new certificate with every start.
        peer.kill()
        peer.restart()
        await asyncio.sleep(0.2)
        assert not driver.connected
        with pytest.raises(AuthenticationError) as caught:
            await driver.connect()
        text = str(caught.value)
        assert "another certificate than the trusted one" in text
        (saved,) = (pki_folder() / "rejected").iterdir()
        assert str(saved) in text
        assert f"move that file to {pki_folder() / 'trusted'}" in text
        saved.rename(pki_folder() / "trusted" / saved.name)
        await driver.connect()
        rows = await snapshot(driver, ["Status.Good"])
        assert rows["Status.Good"]["value"] == 20.5
        await driver.close()

    asyncio.run(main())


def test_what_is_moved_to_the_trust_folder_is_trusted(opcua_peer: OpcuaPeer) -> None:
    refused(opcua_peer.endpoint, AuthenticationError, **SECURE)
    (saved,) = (pki_folder() / "rejected").iterdir()
    trusted = pki_folder() / "trusted"
    trusted.mkdir()
    saved.rename(trusted / saved.name)
    login(opcua_peer.endpoint, **SECURE)
    # It is trusted as that server's, and as no other's.
    address = f"127.0.0.1_{opcua_peer.port}"
    (trusted / saved.name).rename(trusted / saved.name.replace(address, "elsewhere_4840"))
    refused(opcua_peer.endpoint, AuthenticationError, **SECURE)


def test_a_server_without_that_security_says_what_it_offers(opcua_second: OpcuaPeer) -> None:
    text = refused(opcua_second.endpoint, ConfigurationError, **FIRST_USE)
    assert "security_mode = 'None' with security_policy = 'None'" in text


@pytest.mark.parametrize(
    "endpoint",
    ["http://127.0.0.1:4840", "opc.tcp://", "opc.tcp://host:notaport", "opc.tcp://a:b@host:4840",
     "host:4840"],
)  # fmt: skip
def test_addresses_that_are_none(endpoint: str) -> None:
    async def main() -> None:
        settings = config("opc.tcp://127.0.0.1:4840")
        # Past the model's own checks, which may be wider than the driver's.
        object.__setattr__(settings, "endpoint", endpoint)
        with pytest.raises(ConfigurationError, match="not the address of an OPC UA server"):
            await OpcUaDriver(settings).connect()

    asyncio.run(main())


def test_nobody_listens_and_nobody_knows_the_name(opcua_peer: OpcuaPeer) -> None:
    with FaultProxy(opcua_peer.port) as proxy:
        endpoint = opcua_peer.endpoint.replace(str(opcua_peer.port), str(proxy.port))
    text = refused(endpoint, SourceUnreachable)
    assert "connection refused" in text
    text = refused("opc.tcp://no-such-host.invalid:4840", SourceUnreachable)
    assert "cannot be resolved" in text


@pytest.mark.parametrize("security", [{}, FIRST_USE])
@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault.GARBAGE, ProtocolError),
        (Fault.HALF, SourceUnreachable),
        (Fault.RESET, SourceUnreachable),
        (Fault.STALL, SourceTimeout),
    ],
)
def test_no_opc_ua_server_there(
    opcua_peer: OpcuaPeer,
    proxy_factory: Callable[[int], FaultProxy],
    fault: Fault,
    kind: type[GreenLangError],
    security: dict[str, Any],
) -> None:
    proxy = proxy_factory(opcua_peer.port)
    proxy.set_fault(fault)
    endpoint = opcua_peer.endpoint.replace(str(opcua_peer.port), str(proxy.port))
    seconds = 1 if fault is Fault.STALL else 10
    refused(endpoint, kind, timeout_seconds=seconds, **security)


def test_a_connection_that_is_lost_before_the_greeting_is_told_at_once() -> None:
    async def main() -> None:
        channel = Channel(30, SecurityPolicyNone())
        channel.connection_lost(None)
        async with asyncio.timeout(5):
            await channel.send_hello("opc.tcp://127.0.0.1:4840")

    with pytest.raises(ConnectionLostError, match="closed at once"):
        asyncio.run(main())


def test_cancelling_the_login_leaves_nothing_open(
    opcua_peer: OpcuaPeer, proxy_factory: Callable[[int], FaultProxy]
) -> None:
    proxy = proxy_factory(opcua_peer.port)
    proxy.set_fault(Fault.HOLD_ANSWERS)
    endpoint = opcua_peer.endpoint.replace(str(opcua_peer.port), str(proxy.port))

    async def main() -> None:
        driver = OpcUaDriver(config(endpoint))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await driver.connect()
        assert not driver.connected
        proxy.set_fault(Fault.PASS)
        await driver.connect()
        assert driver.connected
        await driver.close()

    asyncio.run(main())


def test_nothing_is_logged_on_the_screen(
    opcua_peer: OpcuaPeer,
    opcua_factory: Callable[..., OpcuaPeer],
    caplog: pytest.LogCaptureFixture,
) -> None:
    peer = opcua_factory(reject_unknown_certificates=True, tags=1, history=10, mixed=10)
    with caplog.at_level(logging.WARNING):
        login(opcua_peer.endpoint, **FIRST_USE)
        refused(peer.endpoint, AuthenticationError, **FIRST_USE)
        refused(opcua_peer.endpoint, AuthenticationError, **FIRST_USE, username="x", password="y")
    assert [one for one in caplog.records if one.name.startswith("asyncua")] == []


def test_asyncua_s_own_users_keep_their_logs(
    opcua_peer: OpcuaPeer, caplog: pytest.LogCaptureFixture
) -> None:
    import asyncua

    login(opcua_peer.endpoint)

    async def main() -> None:
        async with asyncua.Client(opcua_peer.endpoint):
            pass

    with caplog.at_level(logging.INFO):
        asyncio.run(main())
    assert any(one.name.startswith("asyncua") for one in caplog.records)


def test_a_folder_that_cannot_be_written_is_named(
    opcua_peer: OpcuaPeer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("GREENLANG_DATA_HOME", str(blocked))
    text = refused(opcua_peer.endpoint, ConfigurationError, **FIRST_USE)
    assert "GREENLANG_DATA_HOME" in text


def test_the_folder_follows_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert pki_folder() == tmp_path / "home" / "pki"
    monkeypatch.delenv("GREENLANG_DATA_HOME")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    if os.name == "posix":
        assert pki_folder() == tmp_path / "greenlang_data" / "pki"
