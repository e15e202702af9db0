"""Windows, long: one row per sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from greenlang_data.drivers.schema import QUALITY, STATUS, TIMESTAMP
from greenlang_data.frames.series import Series, joined
from greenlang_data.frames.shaped import NO_DIGESTS, Shaped, table_of
from greenlang_data.frames.values import numbers_and_text, typed_column

NAMES = pa.dictionary(pa.int32(), pa.string())


def long_table(series: Sequence[Series], digests: Mapping[str, bytes] = NO_DIGESTS) -> Shaped:
    """``tag, timestamp, value, quality, status, unit``, tag after tag in the order asked.

    ``value`` has one type when all tags share one; otherwise it is float64 and a column ``text``
    after it holds the rest. Bad values are null. ``digests`` are those of the columns of all
    samples; the columns that are taken over as they are keep them.
    """
    value, text = _joined(series, "value", pa.float64()), _joined(series, "text", pa.string())
    typed = typed_column(value, text, [one.data_type for one in series])
    columns = {
        "tag": repeated([one.tag for one in series], [one.rows for one in series]),
        "timestamp": _joined(series, "timestamp", TIMESTAMP),
    }
    if typed is not None:
        columns["value"] = typed
    else:
        columns["value"], columns["text"] = numbers_and_text(value, text)
    columns["quality"] = _joined(series, "quality", QUALITY)
    columns["status"] = _joined(series, "status", STATUS)
    columns["unit"] = repeated([one.unit for one in series], [one.rows for one in series])
    known = {**digests, "tag": None, "unit": None}
    if columns["value"] is not value:
        known["value"] = None
    return Shaped(table_of(columns, {}), "long", digests=[known.get(name) for name in columns])


def repeated(texts: Sequence[str | None], rows: Sequence[int]) -> pa.DictionaryArray:
    """Each text as often as its number of rows, as a dictionary array."""
    names = list(dict.fromkeys(text for text in texts if text is not None))
    place = {name: index for index, name in enumerate(names)}
    codes = np.array([place[text] if text is not None else -1 for text in texts], np.int32)
    if codes.any():
        spread = np.repeat(codes, np.asarray(rows, np.int64))
    else:
        spread = np.zeros(sum(rows), np.int32)  # takes no memory before it is written to
    indices = pa.array(spread, mask=spread < 0) if None in texts else pa.array(spread)
    return pa.DictionaryArray.from_arrays(indices, pa.array(names, pa.string()))


def _joined(series: Sequence[Series], name: str, kind: pa.DataType) -> pa.Array | pa.ChunkedArray:
    chunks = [batch.column(name) for one in series for batch in one.batches]
    return joined(chunks) if chunks else pa.array([], kind)
