"""What a NetSuite source is configured with."""

from __future__ import annotations

from abc import abstractmethod

from pydantic import Field

from greenlang_data.settings.http import HttpSettings
from greenlang_data.settings.secret import Secret


class NetSuiteSettings(HttpSettings):
    """How to log in to an account: by certificate (OAuth 2.0), or by token (OAuth 1.0, TBA).

    By certificate: ``client_id``, ``private_key`` and its ``private_key_id``, with
    ``jwt_algorithm`` PS256 or ES256. By token: the four keys below.
    """

    account: str | None = Field(None, description="1234567_SB1; told by the address unless given")
    consumer_key: str | None = None
    consumer_secret: Secret | None = None
    token_id: str | None = None
    token_secret: Secret | None = None

    @property
    @abstractmethod
    def netsuite_address(self) -> str:
        """The address of the account's web services."""
