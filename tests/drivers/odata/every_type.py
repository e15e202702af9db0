"""The rows of ``EveryTypeSet``, as exact as what is on the wire, and cells as plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from tests.drivers.odata.helpers import cell
from tests.peers.erp_rows import Row
from tests.peers.erp_types import exact_type
from tests.peers.odata_types import Moment

ROWS = 1_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def plain(row: Row) -> Row:
    """A row with identifiers as the text that they are on the wire."""
    texts = {name: None if row[name] is None else str(row[name]) for name in ("ID", "Reference")}
    return row | texts


def exact_rows(wire: str) -> list[Row]:
    """All rows of the Gateway emulator; ``Precise`` is nanoseconds since 1970."""
    found = [plain(exact_type(index)) for index in range(ROWS)]
    return [row | {"Precise": _nanoseconds(row["Precise"], wire)} for row in found]


def _nanoseconds(moment: Moment | datetime | None, wire: str) -> int | None:
    """On the wire of V2 there are whole milliseconds."""
    if moment is None:
        return None
    tenth = moment.tenth if isinstance(moment, Moment) else 0
    whole = moment.moment if isinstance(moment, Moment) else moment
    found = (whole - EPOCH) // timedelta(microseconds=1) * 1000 + tenth * 100
    return found // 1_000_000 * 1_000_000 if wire == "v2" else found


def frame_cells(frame: pd.DataFrame) -> dict[str, list[Any]]:
    """The columns of a frame as plain values; ``Precise`` as in :func:`exact_rows`."""
    others = frame.drop(columns="Precise")
    found = {str(name): [cell(value) for value in others[name]] for name in others}
    precise = frame["Precise"].astype("datetime64[ns, UTC]")
    return found | {"Precise": [None if one is pd.NaT else one.value for one in precise]}


def parquet_cells(path: str) -> dict[str, list[Any]]:
    """The columns of a Parquet file, read by Arrow alone, as :func:`frame_cells`."""
    table = pq.read_table(path)
    precise = table.column("Precise").cast(pa.timestamp("ns", "UTC")).cast(pa.int64())
    found: dict[str, list[Any]] = table.drop_columns("Precise").to_pydict()
    return found | {"Precise": precise.to_pylist()}


def wrong_cells(cells: Mapping[str, Sequence[Any]], rows: Sequence[Row]) -> list[str]:
    """Each cell that is not that of the row with its ``Number``, or is of another type."""
    truth = {row["Number"]: row for row in rows}
    assert sorted(cells["Number"]) == sorted(truth)
    return [
        f"{name} of row {number}: {found!r}"
        for name in rows[0]
        for number, found in zip(cells["Number"], cells[name], strict=True)
        if found != truth[number][name] or type(found) is not type(truth[number][name])
    ]
