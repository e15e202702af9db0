"""What a source that is spoken to over HTTP is configured with, whatever family it belongs to."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from greenlang_data.settings.clear_text import ClearTextSettings
from greenlang_data.settings.secret import Secret

HttpLogin = Literal[
    "none",
    "basic",
    "bearer",
    "client_credentials",
    "password_grant",
    "jwt_assertion",
    "kerberos",
    "ntlm",
]


class HttpSettings(ClearTextSettings):
    """How to log in over HTTP, whom to trust, and how large an answer may be.

    ``login`` may be left out: a ``token`` means bearer, a ``username`` basic, and neither none.
    ``kerberos`` uses the ticket that ``kinit`` (or the login to Windows) has got, that of
    ``username`` (``user@REALM``) where it is given, and gets one itself where a ``password`` is.
    ``client_credentials``, ``password_grant`` and ``jwt_assertion`` get their token at
    ``token_url``; the last signs with a private key (PEM) instead of sending a secret.
    """

    login: HttpLogin | None = None
    username: str | None = None
    password: Secret | None = None
    token: Secret | None = Field(None, description="Sent as it is: Authorization: Bearer")
    token_url: str | None = None
    client_id: str | None = None
    client_secret: Secret | None = None
    scope: str | None = None
    private_key: Secret | None = Field(None, description="PEM, for jwt_assertion")
    private_key_id: str | None = Field(None, description="The kid that the server knows it by")
    jwt_algorithm: Literal["RS256", "PS256", "ES256"] = "RS256"

    ca_path: str | None = Field(
        None, description="PEM file or folder of the only authorities trusted; None: the system's"
    )
    client_certificate_path: str | None = Field(None, description="PEM, for mutual TLS")
    client_key_path: str | None = None
    max_answer_bytes: int = Field(
        268_435_456, ge=1024, description="One answer, after it was decompressed"
    )
