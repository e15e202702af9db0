"""An Arrow table in the shape that a user sees, and how to index it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

NO_DIGESTS: Final[Mapping[str, bytes]] = {}


@dataclass(frozen=True, slots=True)
class Shaped:
    """``table`` with units in its field metadata; ``index`` names its time column, if any.

    ``digests`` are those of its columns in the content hash, where they are known already.
    """

    table: pa.Table
    shape: str
    index: str | None = None
    digests: Sequence[bytes | None] = ()


def field_with_unit(name: str, kind: pa.DataType, unit: str | None) -> pa.Field:
    """An Arrow field that carries ``unit`` in its metadata."""
    return pa.field(name, kind, metadata={"unit": unit} if unit else None)


def table_of(columns: Mapping[str, pa.Array], units: Mapping[str, str | None]) -> pa.Table:
    """A table of ``columns`` whose fields carry ``units``."""
    if not units:
        return pa.Table.from_arrays(list(columns.values()), names=list(columns))
    fields = [
        field_with_unit(name, column.type, units.get(name)) for name, column in columns.items()
    ]
    return pa.Table.from_arrays(list(columns.values()), schema=pa.schema(fields))
