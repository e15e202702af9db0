"""Emissions, long: one row per pollutant and time stamp, with the stack gas flow beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from greenlang_data.frames.long import long_table
from greenlang_data.frames.series import Series
from greenlang_data.frames.shaped import Shaped, table_of
from greenlang_data.frames.watched import GAP


def emissions_table(
    pollutants: Sequence[Series],
    flow: Series | None,
    *,
    number: str = "concentration",
    flags: Mapping[str, str] | None = None,
) -> Shaped:
    """``timestamp, pollutant, concentration, unit, flow_rate, quality_flag, quality``.

    ``number`` is the name of the third: masses and rates are no concentrations. With ``flags`` the
    status is a code; where it is one of these, it stands in a column ``modc``, and the flag is
    what it means.

    ``quality_flag`` is the system's own word (measured, calibration ...), or the quality where it
    has none; missing where the link was lost. ``flow_rate`` is the flow of the same time stamp, null when there is none; its unit
    is in the field.
    """
    table = long_table(pollutants).table.combine_chunks()
    timestamps = table.column("timestamp").combine_chunks()
    status = _text(table, "status")
    lost = pc.equal(status, GAP).fill_null(False)
    status = pc.if_else(lost, pa.scalar("missing"), status)
    codes = {} if flags is None else _codes(status, flags)
    status = status if flags is None else _meanings(status, flags)
    columns = {
        "timestamp": timestamps,
        "pollutant": table.column("tag").combine_chunks(),
        number: table.column("value").combine_chunks(),
        "unit": table.column("unit").combine_chunks(),
        "flow_rate": _flow_at(timestamps, flow),
        "quality_flag": pc.coalesce(status, _text(table, "quality")).dictionary_encode(),
        **codes,
        "quality": table.column("quality").combine_chunks(),
    }
    columns = {name: _array(column) for name, column in columns.items()}
    return Shaped(table_of(columns, {"flow_rate": flow.unit if flow else None}), "long")


def _codes(status: pa.Array, flags: Mapping[str, str]) -> dict[str, pa.Array]:
    is_code = pc.match_substring_regex(status, "^[0-9]{2}$").fill_null(False)
    codes = pc.if_else(is_code, status, pa.scalar(None, pa.string()))
    return {"modc": codes.dictionary_encode()}


def _meanings(status: pa.Array, flags: Mapping[str, str]) -> pa.Array:
    place = pc.index_in(status, value_set=pa.array(list(flags), pa.string()))
    meant = pa.array(list(flags.values()), pa.string()).take(place)
    other = pc.match_substring_regex(status, "^[0-9]{2}$").fill_null(False)
    return pc.coalesce(meant, pc.if_else(other, pa.scalar("unknown"), status))


def _text(table: pa.Table, name: str) -> pa.Array:
    return _array(table.column(name).combine_chunks()).cast(pa.string())


def _array(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    if not isinstance(column, pa.ChunkedArray):
        return column
    return column.chunk(0) if column.num_chunks else pa.array([], column.type)


def _flow_at(timestamps: pa.Array, flow: Series | None) -> pa.Array:
    wanted = np.asarray(_array(timestamps).cast(pa.int64()))
    if flow is None or flow.rows == 0:
        return pa.nulls(len(wanted), pa.float64())
    moments = flow.timestamps()
    order = np.argsort(moments, kind="stable")
    place = np.searchsorted(moments[order], wanted)
    place = np.minimum(place, len(moments) - 1)
    found = moments[order][place] == wanted
    return flow.column("value").take(pa.array(order[place], mask=~found))
