"""One page of an answer: rows in columns, and where the next page is."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any, Final, Literal

import msgspec
import pyarrow as pa
from msgspec import UNSET, Struct

from greenlang_data.drivers.http.alike import Alike
from greenlang_data.drivers.http.jsons import json_decoder
from greenlang_data.drivers.http.twice import check_names, check_rows
from greenlang_data.drivers.odata.alike import alike_reader
from greenlang_data.drivers.odata.edm import Property
from greenlang_data.drivers.odata.values import ABSENT, convert, wire_of


@dataclass(frozen=True, slots=True)
class Page:
    """``columns`` in the order asked, None for one that the server left out.

    ``count`` is how many rows the server says there are in all, where it says so.
    """

    rows: int
    columns: Sequence[pa.Array | None]
    next_link: str | None
    count: int | None
    delta_link: str | None = None


def kept(page: Page, keep: Callable[[pa.RecordBatch], pa.RecordBatch]) -> Page:
    """``page`` with the columns that ``keep`` makes of its own."""
    present = {place: one for place, one in enumerate(page.columns) if one is not None}
    if not page.rows or not present:
        return page
    names = [str(place) for place in present]
    batch = keep(pa.RecordBatch.from_arrays(list(present.values()), names=names))
    columns = [
        batch.column(str(one)) if one in present else None for one in range(len(page.columns))
    ]
    return replace(page, columns=columns)


_NULL: Final = msgspec.Raw(b"null")
_V4_NAMES: Final = {
    "rows": "value",
    "next_link": "@odata.nextLink",
    "count": "@odata.count",
    "delta_link": "@odata.deltaLink",
}
_V2_NAMES: Final = {
    "rows": "results",
    "next_link": "__next",
    "count": "__count",
    "delta_link": "__delta",
}


def page_decoder(
    columns: Sequence[Property], version: Literal[2, 4], keys: Collection[str] = ()
) -> Callable[[bytes | bytearray], Page]:
    """A function from the body of a page to its rows. It raises ValueError for anything else.

    So it does for null in a column of ``keys``, which no row can have. A date of ABAP that is none
    may be in one, and becomes null.
    """
    read_rows = _rows_reader(columns, version, keys)
    read_alike = alike_reader(columns, keys)
    read_rest = _v4(_Mark) if version == 4 else _v2(_Mark)

    def decode(body: bytes | bytearray) -> Page:
        alike = read_alike(body)
        envelope = alike and _around(alike[0], read_rest)
        if not alike or envelope is None:
            rows, arrays, envelope = read_rows(body)
        else:
            rows, arrays = alike[0].rows, alike[1]
        return Page(rows, arrays, envelope.next_link, _count(envelope.count), envelope.delta_link)

    return decode


class _Mark(Struct, forbid_unknown_fields=True):
    """What stands for rows that were read by columns."""

    number: int


def _around(alike: Alike, read: Callable[[bytes], tuple[list[Any], Any]]) -> Any:
    """What is around the rows, or None where the list that they are in is not that of the page."""
    try:
        # Of two, so that nothing in the document itself can be what is found.
        found = [read(alike.rest(b'{"number":%d}' % one)) for one in range(2)]
    except ValueError:
        return None
    in_place = all(rows == [_Mark(one)] for one, (rows, _) in enumerate(found))
    return found[0][1] if in_place else None


def _rows_reader(
    columns: Sequence[Property], version: Literal[2, 4], keys: Collection[str]
) -> Callable[[bytes | bytearray], tuple[int, list[pa.Array | None], Any]]:
    """A function from a body to the number of rows, their columns, and what is around them."""
    wires = [wire_of(one) for one in columns]
    fields = [
        (f"c{place}", wire.found, ABSENT if wire.found is msgspec.Raw else UNSET)
        for place, wire in enumerate(wires)
    ]
    names = {f"c{place}": one.name for place, one in enumerate(columns)}
    row = msgspec.defstruct("Row", fields, rename=names, gc=False)
    cells_of = [attrgetter(name) for name, *_ in fields]
    reader, lists = (_v4, (b'"value":',)) if version == 4 else (_v2, (b'"results":', b'"d":'))
    read, read_raw = reader(row), reader(msgspec.Raw)

    def read_rows(body: bytes | bytearray) -> tuple[int, list[pa.Array | None], Any]:
        rows, envelope = read(body)
        if any(body.count(one) > 1 for one in lists):
            check_names(body)  # of two lists of rows one would be lost
        else:
            check_rows(body, read_raw(body)[0])
        arrays: list[pa.Array | None] = []
        # Column by column, because a tuple for each row would set off Python's garbage collection.
        for column, wire, cells in zip(columns, wires, cells_of, strict=True):
            values = list(map(cells, rows))
            arrays.append(convert(column, wire, values) if rows else pa.array([], wire.empty))
            if column.name in keys and arrays[-1] is not None and arrays[-1].null_count:
                _check_key(column.name, values)
        return len(rows), arrays, envelope

    return read_rows


def _check_key(name: str, values: Sequence[Any]) -> None:
    missing = sum(one is None or one == _NULL for one in values)
    if missing:
        raise ValueError(f"{name} is of the key, and null in {missing} of {len(values)} rows")


def _envelope(row: Any, names: dict[str, str]) -> Any:
    return msgspec.defstruct(
        "Envelope",
        [
            ("rows", list[row]),
            ("next_link", str | None, None),
            ("count", int | str | None, None),
            ("delta_link", str | None, None),
            ("error", msgspec.Raw, ABSENT),
        ],
        rename=names,
    )


def _v4(row: Any) -> Callable[[bytes | bytearray], tuple[list[Any], Any]]:
    decoder = json_decoder(_envelope(row, _V4_NAMES))

    def read(body: bytes | bytearray) -> tuple[list[Any], Any]:
        envelope = decoder(body)
        if bytes(envelope.error):
            raise ValueError("it broke off with an error in the middle of a page")
        return envelope.rows, envelope

    return read


def _v2(row: Any) -> Callable[[bytes | bytearray], tuple[list[Any], Any]]:
    inner = _envelope(row, _V2_NAMES)
    outer = msgspec.defstruct("Outer", [("d", inner | list[row])])
    decoder: Callable[[bytes | bytearray], Any] = json_decoder(outer)

    def read(body: bytes | bytearray) -> tuple[list[Any], Any]:
        found = decoder(body).d
        # Services of the first version of the protocol have no results, and so no next page.
        return (found, inner(found)) if isinstance(found, list) else (found.rows, found)

    return read


def _count(told: int | str | None) -> int | None:
    return int(told) if told is not None and str(told).isdigit() else None


def read_count(body: bytes | bytearray) -> int:
    """The number that ``$count`` answers with. Raises ValueError for anything else."""
    text = bytes(body).decode("utf-8-sig").strip()
    if not text.isdigit():
        raise ValueError("a count is no number")
    return int(text)
