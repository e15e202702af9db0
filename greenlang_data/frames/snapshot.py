"""Current values: one row per tag."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from greenlang_data.frames.shaped import NO_DIGESTS, Shaped, table_of
from greenlang_data.frames.values import numbers_and_text, typed_column

_BEFORE_VALUE = ("tag_id", "tag_name")
_AFTER_VALUE = ("unit", "quality", "status", "timestamp", "server_timestamp", "data_type")


def snapshot_table(table: pa.Table, digests: Mapping[str, bytes] = NO_DIGESTS) -> Shaped:
    """``tag_id, tag_name, value, unit, quality, status, timestamp, server_timestamp, data_type``.

    ``value`` has one type when all tags share one. Otherwise it is float64, and a column ``text``
    after it holds what is no number (or none that a float64 can hold). ``digests`` are those of
    the columns of ``table``; the columns that are taken over as they are keep them.
    """
    whole = dict(zip(table.schema.names, map(_whole, table.columns), strict=True))
    known = dict(digests)
    columns: dict[str, pa.Array] = {name: whole[name] for name in _BEFORE_VALUE}
    value, text = whole["value"], whole["text"]
    kinds = whole["data_type"].unique().to_pylist()
    typed = typed_column(value, text, [kind for kind in kinds if kind])
    if typed is not None:
        columns["value"] = typed
        if typed is not value:
            known.pop("value", None)
    else:
        columns["value"], extra = numbers_and_text(value, text)
        columns["text"] = extra
    columns |= {name: whole[name] for name in _AFTER_VALUE}
    kept = [known.get(name) for name in columns]
    return Shaped(table_of(columns, {}), "snapshot", digests=kept)


def _whole(column: pa.ChunkedArray) -> pa.Array:
    if column.num_chunks == 1:
        return column.chunk(0)
    return pa.array([], column.type) if column.num_chunks == 0 else column.combine_chunks()
