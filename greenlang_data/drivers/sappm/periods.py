"""Objects that have a row for each period of their life."""

from __future__ import annotations

from datetime import date
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

_OPEN: Final = date(9999, 12, 31)
_END: Final = "end of the period"


def latest(table: pa.Table, key: str, period: str) -> pa.Table:
    """The row of each object whose ``period`` ends last; one without an end ends after all."""
    ends = pc.fill_null(table.column(period).cast(pa.date32()), pa.scalar(_OPEN, pa.date32()))
    dated = table.append_column(_END, ends)
    last = dated.group_by(key).aggregate([(_END, "max")]).rename_columns([key, _END])
    return (
        dated.join(last, keys=[key, _END], join_type="inner")
        .sort_by(key)
        .select(table.schema.names)
    )
