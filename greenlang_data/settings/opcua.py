"""What an OPC UA source is configured with, whatever family it belongs to."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from greenlang_data.settings.clear_text import ClearTextSettings
from greenlang_data.settings.endpoint import EndpointSettings
from greenlang_data.settings.secret import Secret
from greenlang_data.settings.tag import TagEntry, each_once


class OpcUaAccess(ClearTextSettings):
    """How to log in to an OPC UA server, and what its tags are called.

    A tag is named in ``tags``, or given as a node id; a bare name such as ``Temperature`` then
    means ``ns=<namespace_index>;s=Temperature``.
    """

    username: str | None = None
    password: Secret | None = None
    certificate_path: str | None = Field(None, description="Client certificate, DER or PEM")
    private_key_path: str | None = None
    user_certificate_path: str | None = Field(
        None, description="The user's own certificate, to log in with instead of a password"
    )
    user_private_key_path: str | None = None
    server_certificate_path: str | None = Field(None, description="The only one to be trusted")
    namespace_index: int = Field(2, ge=0, le=65535)
    security_mode: Literal["None", "Sign", "SignAndEncrypt"] = "SignAndEncrypt"
    security_policy: Literal[
        "None",
        "Basic256Sha256",
        "Aes128_Sha256_RsaOaep",
        "Aes256_Sha256_RsaPss",
        # These rest on SHA-1 and are withdrawn; for old servers that have nothing else.
        "Basic256",
        "Basic128Rsa15",
    ] = "Basic256Sha256"
    trust_on_first_use: bool = Field(
        False, description="Accept and remember whatever certificate the server shows first"
    )
    browse_root: str | None = Field(
        None, min_length=1, description="The node below which tags are listed; None: Objects"
    )
    tags: tuple[TagEntry, ...] = ()

    _each_once = field_validator("tags")(each_once)


class OpcUaSettings(EndpointSettings, OpcUaAccess):
    """An OPC UA server whose ``endpoint`` is ``opc.tcp://host:port/path``."""
