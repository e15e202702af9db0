"""Which models a connector takes, as its type parameters say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args, get_origin

from pydantic import BaseModel

from greenlang_data.settings import ConnectorConfig


def query_class_of(connector: type[Any]) -> type[BaseModel] | None:
    """The query class in ``BaseConnector[Query, Payload, Config]``; None if it names none."""
    for arguments in _parameters(connector):
        if isinstance(arguments[0], type) and issubclass(arguments[0], BaseModel):
            return arguments[0]
    return None


def config_class_of(connector: type[Any]) -> type[ConnectorConfig]:
    """The config class in ``BaseConnector[Query, Payload, Config]``; ConnectorConfig if none."""
    for arguments in _parameters(connector):
        for argument in arguments:
            if isinstance(argument, type) and issubclass(argument, ConnectorConfig):
                return argument
    return ConnectorConfig


def _parameters(connector: type[Any]) -> Iterator[tuple[Any, ...]]:
    for base in connector.__mro__:
        for generic in getattr(base, "__orig_bases__", ()):
            if get_origin(generic) and get_args(generic):
                yield get_args(generic)
