"""A page of SuiteQL: numbers are text, truth is T or F, and what is empty is left out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
import pyarrow as pa

from greenlang_data.drivers.http.jsons import json_decoder
from greenlang_data.drivers.http.twice import check_names
from greenlang_data.drivers.odata.edm import Property
from greenlang_data.drivers.odata.page import Page
from greenlang_data.drivers.odata.values import ABSENT, Wire, convert, wire_of

_TRUTH: Final = {"T": True, "F": False, None: None}


def page_decoder(columns: Sequence[Property]) -> Callable[[bytes | bytearray], Page]:
    """A function from the body of an answer, with columns ``c0`` …, to its rows.

    It raises ValueError for anything else.
    """
    wires = [_wire(one) for one in columns]
    fields = [(f"c{place}", wire.found, None) for place, wire in enumerate(wires)]
    row = msgspec.defstruct("Row", fields, gc=False)
    envelope = msgspec.defstruct("Envelope", [("items", list[row])])  # type: ignore[valid-type]  # made just now
    decoder: Callable[[bytes | bytearray], Any] = json_decoder(envelope)

    def decode(body: bytes | bytearray) -> Page:
        rows = decoder(body).items
        check_names(body)
        cells = list(zip(*map(msgspec.structs.astuple, rows), strict=True))
        arrays = [
            convert(column, wire, cells[place]) if rows else pa.array([], wire.empty)
            for place, (column, wire) in enumerate(zip(columns, wires, strict=True))
        ]
        return Page(len(rows), arrays, None, None)

    return decode


def row_decoder(columns: Sequence[Property]) -> Callable[[bytes | bytearray], Page]:
    """A function from the body of one record, with its own names and JSON types, to a page of it."""
    wires = [wire_of(one) for one in columns]
    nothing = [ABSENT if wire.found is msgspec.Raw else None for wire in wires]
    fields = [
        (f"c{place}", wire.found, missing)
        for place, (wire, missing) in enumerate(zip(wires, nothing, strict=True))
    ]
    names = {f"c{place}": one.name for place, one in enumerate(columns)}
    decoder = json_decoder(msgspec.defstruct("Row", fields, rename=names, gc=False))

    def decode(body: bytes | bytearray) -> Page:
        cells = msgspec.structs.astuple(decoder(body))
        check_names(body)
        arrays = [
            pa.nulls(1, wire.empty) if cell is ABSENT else convert(column, wire, [cell])
            for column, wire, cell in zip(columns, wires, cells, strict=True)
        ]
        return Page(1, arrays, None, None)

    return decode


def _wire(column: Property) -> Wire:
    if column.type == "Edm.Boolean":
        return Wire(str | None, _truths, pa.bool_())
    return wire_of(column)


def _truths(values: Sequence[str | None]) -> pa.Array:
    try:
        return pa.array([_TRUTH[one] for one in values], pa.bool_())
    except KeyError as error:
        raise ValueError(f"{error.args[0]!r} is neither T nor F") from None
