"""A page of a resource, its rows in columns; a parent's values beside each of its children."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
import pyarrow as pa
from msgspec import UNSET

from greenlang_data.drivers.http.jsons import json_decoder
from greenlang_data.drivers.http.twice import check_names
from greenlang_data.drivers.odata.edm import Property
from greenlang_data.drivers.odata.page import Page
from greenlang_data.drivers.odata.values import ABSENT, convert, wire_of

_AT_ONCE: Final = 25  # children, unless it tells another limit


class Wanted(NamedTuple):
    """The columns to read: of the resource itself, and of its child collection if there is one."""

    own: tuple[Property, ...]
    child: str
    below: tuple[Property, ...]


class Cut(NamedTuple):
    """A parent that has more children than came with it, and where they are."""

    place: int
    link: str


class Rows(NamedTuple):
    """A page: ``parents`` rows of the resource itself. ``last`` is the key of the last of them."""

    page: Page
    parents: int
    last: tuple[Any, ...]
    cut: tuple[Cut, ...]
    own: Sequence[pa.Array | None]


def rows_decoder(wanted: Wanted, keys: Sequence[str]) -> Callable[[bytes | bytearray], Rows]:
    """A function from the body of a collection to its rows. Raises ValueError for anything else."""
    own, below = wanted.own, wanted.below
    decoder = json_decoder(_collection(_row(own, wanted.child, below)))
    places = [[one.name for one in own].index(key) for key in keys]

    def decode(body: bytes | bytearray) -> Rows:
        envelope: Any = decoder(body)
        check_names(body)
        items = _whole(envelope)
        arrays = _columns(own, items)
        last = _last(arrays, places) if items else ()
        count = envelope.total
        if not wanted.child:
            page = Page(len(items), arrays, None, count)
            return Rows(page, len(items), last, (), arrays)
        is_cut = [_may_be_cut(one.child) for one in items]
        children = [
            [] if cut else _whole(one.child) for one, cut in zip(items, is_cut, strict=True)
        ]
        below_rows = [row for rows in children for row in rows]
        links = ((place, one) for place, one in enumerate(items) if is_cut[place])
        cut = tuple(Cut(place, _link_of(one)) for place, one in links)
        lengths = [len(rows) for rows in children]
        which = pa.array(np.repeat(np.arange(len(items)), lengths), pa.int64())
        repeated = [None if one is None else one.take(which) for one in arrays]
        columns = [*repeated, *_columns(below, below_rows)]
        return Rows(Page(len(below_rows), columns, None, count), len(items), last, cut, arrays)

    return decode


def _columns(columns: Sequence[Property], rows: Sequence[Any]) -> list[pa.Array | None]:
    wires = [wire_of(one) for one in columns]
    if not rows:
        return [pa.array([], wire.empty) for wire in wires]
    cells = zip(*(msgspec.structs.astuple(row)[: len(columns)] for row in rows), strict=True)
    return [
        convert(column, wire, values)
        for column, wire, values in zip(columns, wires, cells, strict=True)
    ]


def _row(columns: Sequence[Property], child: str, below: Sequence[Property]) -> Any:
    fields: list[Any] = []
    names = {}
    for place, column in enumerate(columns):
        found = wire_of(column).found
        fields.append((f"c{place}", found, ABSENT if found is msgspec.Raw else UNSET))
        names[f"c{place}"] = column.name
    if child:
        fields.append(("child", _collection(_row(below, "", ()))))
        fields.append(("links", list[dict[str, Any]], []))
        names["child"] = child
    return msgspec.defstruct("Row", fields, rename=names, gc=False, kw_only=True)


def _collection(row: Any) -> Any:
    return msgspec.defstruct(
        "Collection",
        [
            ("items", list[row]),
            ("said", int | None, None),
            ("more", bool, False),
            ("total", int | None, None),
            ("limit", int | None, None),
        ],
        rename={"said": "count", "more": "hasMore", "total": "totalResults"},
    )


def _may_be_cut(children: Any) -> bool:
    """Whether there may be more: it says so, or they are as many as come along at most."""
    return children.more or len(children.items) == (children.limit or _AT_ONCE)


def _whole(collection: Any) -> Any:
    """The items. Raises ValueError when they are not as many as it says that it holds."""
    if collection.said not in (None, len(collection.items)):
        raise ValueError(f"of {collection.said} rows that it says it has, {len(collection.items)}")
    return collection.items


def _link_of(item: Any) -> str:
    for link in item.links:
        if link.get("rel") == "self" and isinstance(link.get("href"), str):
            return str(link["href"])
    raise ValueError("a record has more children than came with it, and no link to them")


def _last(arrays: Sequence[pa.Array | None], places: Sequence[int]) -> tuple[Any, ...]:
    """The key of the last row, from which the next page goes on."""
    keys = [arrays[place] for place in places]
    found = tuple(None if one is None else one[-1].as_py() for one in keys)
    if None in found:
        raise ValueError("a key is empty")
    return found
