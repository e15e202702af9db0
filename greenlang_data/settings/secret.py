"""Secrets that are fetched when needed and shown nowhere."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any, NoReturn, Self

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, SecretStr
from pydantic_core import CoreSchema, core_schema

from greenlang_data.errors import ConfigurationError

_MASK = "**********"
_FORMS = (
    'a string, a function that returns one, {env = "NAME"}, '
    'or {keyring = "service", username = "name"}'
)


class Secret:
    """A password, key or token from a string, a callable, the environment or the keyring.

    It is looked up each time :meth:`get_secret_value` is called, so a rotated secret is picked
    up by the next login. ``repr``, ``str`` and serialisation show only stars.

    >>> Secret("hunter2")
    Secret('**********')
    >>> Secret({"env": "PLANT1_PASSWORD"}).origin
    'environment variable PLANT1_PASSWORD'
    """

    __slots__ = ("_fetch", "origin")

    def __init__(self, value: str | SecretStr | Callable[[], str] | Mapping[str, str]) -> None:
        self._fetch, self.origin = _parse(value)

    def get_secret_value(self) -> str:
        """The secret itself. Raises ConfigurationError when it is nowhere to be found."""
        value = self._fetch()
        if not isinstance(value, str) or not value:
            raise ConfigurationError(
                f"the secret from the {self.origin} is empty or missing",
                remedy="Set it, or change where the configuration looks for it.",
            )
        return value

    def __repr__(self) -> str:
        return f"Secret({_MASK!r})"

    def __str__(self) -> str:
        return _MASK

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not pickled; give the other process its own")

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: type[Any], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            lambda value: value if isinstance(value, cls) else cls(value),
            serialization=core_schema.plain_serializer_function_ser_schema(lambda _: _MASK),
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"type": "string", "format": "password", "writeOnly": True}


def _parse(value: object) -> tuple[Callable[[], str | None], str]:
    if isinstance(value, SecretStr):
        return value.get_secret_value, "configuration"
    if isinstance(value, str):
        return lambda: value, "configuration"
    if callable(value):
        return value, "function given"
    if isinstance(value, Mapping):
        return _parse_table(dict(value))
    raise ValueError(f"a secret is {_FORMS}")


def _parse_table(table: dict[str, Any]) -> tuple[Callable[[], str | None], str]:
    if set(table) == {"env"}:
        name = str(table["env"])
        return lambda: os.environ.get(name), f"environment variable {name}"
    if set(table) == {"keyring", "username"}:
        service, user = str(table["keyring"]), str(table["username"])
        return lambda: _from_keyring(service, user), f"keyring entry {service}/{user}"
    raise ValueError(f"a secret is {_FORMS}; not a table of {', '.join(sorted(table))}")


def _from_keyring(service: str, user: str) -> str | None:
    try:
        import keyring
    except ImportError as error:
        raise ConfigurationError(
            "a secret is to come from the keyring, and that package is not installed",
            remedy="Run: pip install 'greenlang_data[keyring]'",
        ) from error
    value: str | None = keyring.get_password(service, user)
    return value
