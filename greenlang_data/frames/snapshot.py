"""Current values: one row per tag."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from greenlang_data.frames.shaped import NO_DIGESTS, Shaped
from greenlang_data.frames.values import typed_column
from greenlang_data.provenance.texts import all_alike

_BEFORE_VALUE = ("tag_id", "tag_name")
_BOTH = ("value", "text")
_AFTER_VALUE = ("unit", "quality", "status", "timestamp", "server_timestamp", "data_type")


def snapshot_table(table: pa.Table, digests: Mapping[str, bytes] = NO_DIGESTS) -> Shaped:
    """``tag_id, tag_name, value, unit, quality, status, timestamp, server_timestamp, data_type``.

    ``value`` has one type when all tags share one. Otherwise it is float64, and a column ``text``
    after it holds what is no number (or none that a float64 can hold). ``digests`` are those of
    the columns of ``table``; the columns that are taken over as they are keep them.
    """
    value, text = _whole(table.column("value")), _whole(table.column("text"))
    kinds = _whole(table.column("data_type"))
    distinct = kinds.slice(0, 1) if all_alike(kinds) else kinds.unique()
    typed = typed_column(value, text, [kind for kind in distinct.to_pylist() if kind])
    names = [*_BEFORE_VALUE, *(_BOTH if typed is None else _BOTH[:1]), *_AFTER_VALUE]
    shaped, kept = table.select(names), [digests.get(name) for name in names]
    if typed is not None and typed is not value:
        place = names.index("value")
        shaped, kept[place] = shaped.set_column(place, "value", typed), None
    return Shaped(shaped, "snapshot", digests=kept)


def _whole(column: pa.ChunkedArray) -> pa.Array:
    if column.num_chunks == 1:
        return column.chunk(0)
    return pa.array([], column.type) if column.num_chunks == 0 else column.combine_chunks()
