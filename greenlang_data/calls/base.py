"""What the calls of all families need of their session."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import tzinfo
from typing import TYPE_CHECKING, Literal, get_args

from greenlang_data.connectors.base import Errors
from greenlang_data.connectors.query import Query
from greenlang_data.errors import QueryError
from greenlang_data.sources import Sources

if TYPE_CHECKING:
    import pandas as pd
    from pydantic import BaseModel

    from greenlang_data.connectors.registry import AnyConnector

Shape = Literal["wide", "long"]


class Calls(ABC):
    """A session, as its calls see it."""

    _sources: Sources
    _zone: tzinfo
    _closed: bool

    def _read(
        self,
        kind: str,
        query: Query,
        source: str | None,
        timeout: float | None,
        errors: Errors,
        shape: Shape | None,
    ) -> pd.DataFrame:
        """The answer of the only source of the kind, or of the one named."""
        connector = self._sources.of_kind(kind, source)
        return self._fetch(connector, query, timeout, errors, shape)

    @abstractmethod
    def _fetch(
        self,
        connector: AnyConnector,
        query: BaseModel,
        timeout: float | None,
        errors: Errors,
        shape: Shape | None,
    ) -> pd.DataFrame:
        """The connector's answer as a frame."""

    @abstractmethod
    def _check_open(self) -> None:
        """Raise SessionClosedError after ``close``."""

    @abstractmethod
    def _close_connections(self) -> None:
        """Close what is open."""


def check_shape(shape: str | None) -> None:
    """Raise QueryError for a shape that there is not."""
    if shape not in (None, *get_args(Shape)):
        raise QueryError(f"shape is {shape!r}", remedy="Use 'wide' or 'long'.")
