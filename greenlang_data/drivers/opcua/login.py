"""Opening a session: the address, the endpoint, the certificates, the user."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from asyncua import ua
from asyncua.crypto import security_policies, uacrypto
from asyncua.ua.status_codes import StatusCodes
from asyncua.ua.uaerrors import UaError, UaStatusCodeError
from cryptography import x509
from cryptography.exceptions import InvalidSignature

from greenlang_data.drivers.opcua.certificates import (
    Identity,
    check_server,
    load_identity,
    load_pair,
)
from greenlang_data.drivers.opcua.faults import not_connected
from greenlang_data.drivers.opcua.transport import Client
from greenlang_data.errors import AuthenticationError, ConfigurationError, GreenLangError

DEFAULT_PORT: Final = 4840
SESSION_TIMEOUT_SECONDS: Final = 60
_POLICIES: Final[dict[str, Any]] = {
    "Basic256Sha256": security_policies.SecurityPolicyBasic256Sha256,
    "Aes128_Sha256_RsaOaep": security_policies.SecurityPolicyAes128Sha256RsaOaep,
    "Aes256_Sha256_RsaPss": security_policies.SecurityPolicyAes256Sha256RsaPss,
    "Basic128Rsa15": security_policies.SecurityPolicyBasic128Rsa15,
    "Basic256": security_policies.SecurityPolicyBasic256,
}
_MODES: Final = {
    "Sign": ua.MessageSecurityMode.Sign,
    "SignAndEncrypt": ua.MessageSecurityMode.SignAndEncrypt,
}
# asyncua hides the library's exception behind one of its own that has the same name.
_BAD_SIGNATURES: Final = (InvalidSignature, vars(uacrypto)["InvalidSignature"])
_BETWEEN: Final = "Ask again; if it stays so, find out what answers in the server's place."
_POLICY_PREFIX: Final = "http://opcfoundation.org/UA/SecurityPolicy#"


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach a server and log in. ``password`` is a Secret; times are in seconds."""

    url: str
    address: str
    username: str | None
    password: Any
    certificate_path: str | None
    private_key_path: str | None
    user_certificate_path: str | None
    user_private_key_path: str | None
    server_certificate_path: str | None
    trust_on_first_use: bool
    allow_clear_text_credentials: bool
    security_mode: str
    security_policy: str
    timeout: float
    source: str

    @property
    def secure(self) -> bool:
        """Whether the channel is at least signed."""
        return self.security_mode != "None" and self.security_policy != "None"

    @property
    def encrypted(self) -> bool:
        """Whether others on the network cannot read along."""
        return self.secure and self.security_mode == "SignAndEncrypt"


def access_of(config: Any) -> Access:
    """What a connector's config says, with the safe choice wherever it says nothing.

    Raises ConfigurationError for an endpoint that is no OPC UA address.
    """

    def setting(name: str, default: Any = None) -> Any:
        return getattr(config, name, default)

    url, address = _endpoint(config.endpoint, config.connector_id)
    return Access(
        url=url,
        address=address,
        username=setting("username"),
        password=setting("password"),
        certificate_path=setting("certificate_path"),
        private_key_path=setting("private_key_path"),
        user_certificate_path=setting("user_certificate_path"),
        user_private_key_path=setting("user_private_key_path"),
        server_certificate_path=setting("server_certificate_path"),
        trust_on_first_use=setting("trust_on_first_use", False),
        allow_clear_text_credentials=setting("allow_clear_text_credentials", False),
        security_mode=setting("security_mode", "SignAndEncrypt"),
        security_policy=setting("security_policy", "Basic256Sha256"),
        timeout=config.timeout_seconds,
        source=config.connector_id,
    )


def _endpoint(endpoint: str, source: str) -> tuple[str, str]:
    """The whole URL, and ``host:port``."""
    parts = urlsplit(endpoint)
    try:
        port = parts.port or DEFAULT_PORT
    except ValueError:
        port = 0
    if parts.scheme != "opc.tcp" or not parts.hostname or not port or "@" in parts.netloc:
        raise ConfigurationError(
            f"{endpoint!r} is not the address of an OPC UA server",
            source=source,
            remedy="Write opc.tcp://host:4840 or opc.tcp://host:4840/path, without a user.",
        )
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"opc.tcp://{host}:{port}{parts.path}", f"{host}:{port}"


async def log_in(access: Access) -> Client:
    """An activated session. Raises errors of this package only, and leaves nothing open."""
    _refuse_clear_text(access)
    user = await asyncio.to_thread(_user_pair, access)
    client = Client(access.url, access.timeout)
    client.name = client.description = "greenlang_data"
    client.product_uri = "urn:greenlang_data"
    client.session_timeout = SESSION_TIMEOUT_SECONDS * 1000
    own = "of this client"
    try:
        if access.secure:
            identity = await _secure(client, access)
            own = str(identity.path)
        if access.username is not None:
            client.set_user(access.username)
            if access.password is not None:
                client.set_password(access.password.get_secret_value())
        await _open(client, user)
    except GreenLangError:
        raise
    except (Exception, asyncio.CancelledError) as error:
        with contextlib.suppress(Exception):
            client.channel.give_up()
        if isinstance(error, asyncio.CancelledError):
            raise
        raise await _explained(error, access, own) from error
    return client


def _user_pair(access: Access) -> tuple[x509.Certificate, Any] | None:
    """The certificate that the user logs in with, and its key; None when there is none."""
    pair = load_pair(
        access.user_certificate_path, access.user_private_key_path, "user_", access.source
    )
    if pair is None:
        return None
    if access.username is not None:
        raise ConfigurationError(
            "username and user_certificate_path are two ways to log in",
            source=access.source,
            remedy="Give one of them.",
        )
    if not access.secure:
        raise ConfigurationError(
            "a login with a certificate needs a channel that is signed or encrypted",
            source=access.source,
            remedy="Set security_mode = 'SignAndEncrypt', or 'Sign', and a security_policy.",
        )
    return pair[:2]


async def _open(client: Client, user: tuple[x509.Certificate, Any] | None) -> None:
    await client.connect_socket()
    await client.send_hello()
    await client.open_secure_channel()
    await client.create_session()
    certificate, client.user_private_key = user or (None, None)
    await client.activate_session(
        username=client._username, password=client._password, certificate=certificate
    )


async def _secure(client: Client, access: Access) -> Identity:
    """Choose the endpoint, check the server's certificate, and put ours to use."""
    identity = await asyncio.to_thread(
        load_identity, access.certificate_path, access.private_key_path, access.source
    )
    endpoint = _chosen(await client.connect_and_get_server_endpoints(), access)
    certificate = _first_certificate(endpoint.ServerCertificate)
    if certificate is None:
        raise AuthenticationError(
            f"{access.address} offers security without showing a certificate",
            source=access.source,
            remedy="The server's own configuration has to be mended.",
        )
    check_server(
        certificate,
        access.server_certificate_path,
        access.trust_on_first_use,
        access.address,
        access.source,
    )
    policy = _POLICIES[access.security_policy](
        certificate, identity.certificate, identity.private_key, _MODES[access.security_mode]
    )
    client.application_uri = identity.application_uri
    client.security_policy = policy
    client.uaclient.set_security(policy)
    return identity


def _first_certificate(content: bytes | None) -> x509.Certificate | None:
    """The server's own certificate, which comes first when a whole chain is shown."""
    certificate: x509.Certificate | None = vars(uacrypto)["x509_from_der"](content)
    return certificate


def _chosen(endpoints: list[ua.EndpointDescription], access: Access) -> ua.EndpointDescription:
    for endpoint in endpoints:
        if (
            endpoint.SecurityMode == _MODES[access.security_mode]
            and endpoint.SecurityPolicyUri == _POLICIES[access.security_policy].URI
        ):
            return endpoint
    raise _no_match(endpoints, access)


def _no_match(endpoints: list[ua.EndpointDescription], access: Access) -> ConfigurationError:
    offers = sorted(
        {
            f"security_mode = {one.SecurityMode.name.rstrip('_')!r} with "
            f"security_policy = {str(one.SecurityPolicyUri).removeprefix(_POLICY_PREFIX)!r}"
            for one in endpoints
        }
    )
    asked = f"{access.security_mode} with {access.security_policy}" if access.secure else "None"
    return ConfigurationError(
        f"{access.address} does not offer security {asked}",
        source=access.source,
        remedy=f"It offers: {'; '.join(offers) or 'nothing at all'}.",
    )


def _refuse_clear_text(access: Access) -> None:
    if access.username is None or access.encrypted or access.allow_clear_text_credentials:
        return
    how = "signed but not encrypted" if access.secure else "not encrypted"
    raise ConfigurationError(
        f"the password would go over a channel that is {how}",
        source=access.source,
        remedy="Set security_mode = 'SignAndEncrypt', or allow_clear_text_credentials = true "
        "if you accept that.",
    )


async def _explained(error: BaseException, access: Access, own: str) -> GreenLangError:
    """The error for a failed login; one about security tells what the server offers."""
    code = int(error.code) if isinstance(error, UaStatusCodeError) else None
    rejected = code in (
        StatusCodes.BadSecurityPolicyRejected,
        StatusCodes.BadSecurityModeRejected,
    )
    if rejected or (isinstance(error, UaError) and str(error).startswith("No matching endpoints")):
        with contextlib.suppress(Exception):
            other = Client(access.url, access.timeout)
            return _no_match(await other.connect_and_get_server_endpoints(), access)
    if isinstance(error, UaError) and "certificate mismatch" in str(error):
        return AuthenticationError(
            f"{access.address} changed its certificate during the login",
            source=access.source,
            remedy=_BETWEEN,
        )
    if isinstance(error, _BAD_SIGNATURES):
        return AuthenticationError(
            f"{access.address} cannot prove that the certificate it shows is its own",
            source=access.source,
            remedy=_BETWEEN,
        )
    return not_connected(error, access.url, own, access.source)
