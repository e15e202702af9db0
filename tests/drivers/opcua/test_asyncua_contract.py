"""The names of asyncua that the driver rests on; a change of version shows here first."""

from __future__ import annotations

import importlib.metadata
import inspect

import asyncua
import pytest
from asyncua import ua
from asyncua.client.ua_client import UaClient, UASocketProtocol, UASocketState
from asyncua.client.ua_session import UaSession
from asyncua.common.connection import SecureConnection, TransportLimits
from asyncua.crypto import cert_gen, uacrypto
from asyncua.crypto.security_policies import CryptographyNone, SecurityPolicyNone

from greenlang_data.drivers.opcua.quiet import _LOGGERS


def test_the_version_is_the_one_this_was_written_for() -> None:
    assert importlib.metadata.version("asyncua").startswith("2.1.")


@pytest.mark.parametrize(
    ("function", "parameters"),
    [
        (UASocketProtocol.__init__, ["self", "timeout", "security_policy", "limits"]),
        (UASocketProtocol.send_hello, ["self", "url", "max_messagesize", "max_chunkcount"]),
        (UASocketProtocol.data_received, ["self", "data"]),
        (UASocketProtocol._process_received_data, ["self", "data"]),
        (UASocketProtocol._fail_all_pending, ["self", "exc"]),
        (UASocketProtocol.revolve_security_token, ["self"]),
        (UASocketProtocol.close_secure_channel, ["self"]),
        (UaClient.__init__, ["self", "timeout"]),
        (UaClient._make_protocol, ["self"]),
        (UaClient._on_transport_lost, ["self", "_exc"]),
        (UaClient._is_session_closing, ["self"]),
        (UaClient.set_security, ["self", "policy"]),
        (UaSession.restore_authentication_token, ["self", "token"]),
        (SecureConnection.__init__, ["self", "security_policy", "limits"]),
        (SecureConnection._receive, ["self", "msg"]),
        (SecureConnection.receive_from_header_and_body, ["self", "header", "body"]),
        (
            SecureConnection.message_to_binary,
            ["self", "message", "message_type", "request_id"],
        ),
        (CryptographyNone.decrypt, ["self", "data"]),
        (TransportLimits.update_client_limits, ["self", "msg"]),
        (asyncua.Client.connect_socket, ["self"]),
        (asyncua.Client.send_hello, ["self"]),
        (asyncua.Client.open_secure_channel, ["self", "renew"]),
        (asyncua.Client.create_session, ["self"]),
        (asyncua.Client.activate_session, ["self", "username", "password", "certificate"]),
        (asyncua.Client.connect_and_get_server_endpoints, ["self"]),
        (asyncua.Client.server_policy, ["self", "token_type"]),
        (
            cert_gen.generate_self_signed_app_certificate,
            ["private_key", "common_name", "names", "subject_alt_names", "extended", "days"],
        ),
        (uacrypto.x509_from_der, ["data"]),
    ],
    ids=lambda value: getattr(value, "__qualname__", ""),
)
def test_signatures(function: object, parameters: list[str]) -> None:
    assert callable(function)
    assert list(inspect.signature(function).parameters) == parameters


def test_attributes_of_a_protocol() -> None:
    protocol = UASocketProtocol()
    for name in ("_callbackmap", "_request_id", "_request_handle", "_connection", "transport",
                 "authentication_token", "on_connection_lost", "is_session_closing"):  # fmt: skip
        assert hasattr(protocol, name)
    assert protocol.state is UASocketState.INITIALIZED
    assert isinstance(protocol._connection._limits, TransportLimits)
    assert isinstance(SecurityPolicyNone().symmetric_cryptography, CryptographyNone)


def test_attributes_of_a_client() -> None:
    client = asyncua.Client("opc.tcp://localhost:4840")
    for name in ("_policy_ids", "_username", "_password", "session_timeout", "security_policy",
                 "secure_channel_timeout", "application_uri", "uaclient", "nodes"):  # fmt: skip
        assert hasattr(client, name)


def test_the_refusal_of_a_missing_endpoint_reads_as_expected() -> None:
    with pytest.raises(ua.UaError, match=r"^No matching endpoints"):
        asyncua.Client.find_endpoint([], ua.MessageSecurityMode.None_, "urn:x")


def test_the_loggers_exist() -> None:
    import logging

    known = logging.root.manager.loggerDict
    UASocketProtocol()
    UaSession(UaClient())
    missing = [name for name in _LOGGERS if name not in known]
    assert missing == []
