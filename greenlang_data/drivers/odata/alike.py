"""Rows of a page that are alike, made columns of without an object for each value."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from typing import Any, Final

import pyarrow as pa

from greenlang_data.drivers.http.alike import Alike, read_alike
from greenlang_data.drivers.http.cells import Cells
from greenlang_data.drivers.http.jsons import json_decoder
from greenlang_data.drivers.odata.edm import Property
from greenlang_data.drivers.odata.values import Wire, wire_of

_FIRST_ROW: Final = re.compile(rb'"(?:value|results|d)"\s*:\s*\[\s*(?=\{)')
_TRIES: Final = 3
ReadTokens = Callable[[bytes], list[Any]]


def alike_reader(
    columns: Sequence[Property], keys: Collection[str] = ()
) -> Callable[[bytes | bytearray], tuple[Alike, list[pa.Array | None]] | None]:
    """A function from a body to rows of it and their columns, None where it has to be read by rows.

    The columns are those that the rows have when they are read one by one, and that they are those
    of the page remains to be proven. Nor are they read where a column of ``keys`` has no value.
    """
    wires = [wire_of(one) for one in columns]
    readers: list[ReadTokens] = [json_decoder(list[one.found]) for one in wires]  # type: ignore[name-defined]  # known only now
    names = {one.name for one in columns}
    tries = _TRIES if all(one.is_primitive for one in columns) else 0

    def read(body: bytes | bytearray) -> tuple[Alike, list[pa.Array | None]] | None:
        nonlocal tries
        found = read_columns(body) if tries else None
        # Where the first pages are not alike, others hardly are, and to look takes time.
        tries = _TRIES if found else max(tries - 1, 0)
        return found

    def read_columns(body: bytes | bytearray) -> tuple[Alike, list[pa.Array | None]] | None:
        start = _FIRST_ROW.search(body)
        alike = read_alike(body, start.end()) if start else None
        if alike is None or alike.others & names:
            return None
        try:
            alike.check_all_but(names)
            arrays = [
                _column(alike.cells[column.name], wire, reader, alike.rows)
                if column.name in alike.cells
                else None
                for column, wire, reader in zip(columns, wires, readers, strict=True)
            ]
        except (ValueError, TypeError, ArithmeticError):
            return None  # whoever reads it by rows can tell what is wrong
        for column, array in zip(columns, arrays, strict=True):
            if column.name in keys and array is not None and array.null_count:
                return None
        return alike, arrays

    return read


def _column(cells: Cells, wire: Wire, read: ReadTokens, rows: int) -> pa.Array:
    if pa.types.is_boolean(wire.empty):
        quick = cells.truths()
    else:
        texts = cells.texts()
        quick = None if texts is None else wire.of_texts(texts)
    if quick is not None:
        return quick
    values = read(cells.tokens())
    if len(values) != rows:
        raise ValueError("a value is none")
    return wire.convert(values)
