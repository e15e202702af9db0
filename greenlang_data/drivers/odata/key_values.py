"""The keys of the rows of a page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from greenlang_data.drivers.odata.edm import Property
from greenlang_data.drivers.odata.page import Page
from greenlang_data.errors import ProtocolError


def row_at(
    page: Page, columns: Sequence[Property], keys: Sequence[Property], place: int, source: str
) -> dict[str, Any]:
    """The values of ``keys`` in one row of a page of ``columns``.

    Raises ProtocolError where the page has one of them in no row.
    """
    names = [one.name for one in columns]
    found: dict[str, Any] = {}
    for key in keys:
        values = page.columns[names.index(key.name)]
        if values is None:
            raise ProtocolError("it left the key out of its answer", source=source)
        found[key.name] = values[place].as_py()
    return found


def keys_of(
    page: Page, columns: Sequence[Property], keys: Sequence[Property]
) -> set[tuple[Any, ...]]:
    """The keys of all rows of a page."""
    names = [one.name for one in columns]
    values = [page.columns[names.index(key.name)] for key in keys]
    return set(zip(*(one.to_pylist() for one in values if one is not None), strict=True))
