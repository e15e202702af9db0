"""The Arrow shapes that drivers yield.

Numbers: ``value`` is a float64 that equals the source's number exactly. What no float64 can hold
(text, a 64-bit integer beyond 2**53, a decimal, an array) has a null ``value`` and its exact text
in ``text``; ``data_type`` is the source's own type name. Nothing is rounded on the way.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import numpy as np
import pyarrow as pa

TIMESTAMP: Final = pa.timestamp("ns", tz="UTC")
QUALITIES: Final = ("good", "uncertain", "bad")
GOOD, UNCERTAIN, BAD = 0, 1, 2
QUALITY: Final = pa.dictionary(pa.int8(), pa.string())
STATUS: Final = pa.dictionary(pa.int32(), pa.string())

# The failure of a tag that the source does not know starts with these words.
UNKNOWN_TAG: Final = "unknown tag"

SNAPSHOT: Final = pa.schema(
    [
        ("tag_id", pa.string()),
        ("tag_name", pa.string()),
        ("value", pa.float64()),
        ("text", pa.string()),
        ("unit", pa.string()),
        ("quality", QUALITY),
        ("status", STATUS),
        ("timestamp", TIMESTAMP),
        ("server_timestamp", TIMESTAMP),
        ("data_type", pa.string()),
        # Why the tag could not be read at all; null when the source answered, even with bad quality.
        ("failure", pa.string()),
    ]
)

TAGS: Final = pa.schema(
    [
        # What a query names, and the source's own short name.
        ("tag_id", pa.string()),
        ("tag_name", pa.string()),
        # Where it is in the source's own tree or memory.
        ("path", pa.string()),
        ("description", pa.string()),
        ("data_type", pa.string()),
        ("unit", pa.string()),
        # The range of plausible values in that unit, where the source tells one.
        ("low", pa.float64()),
        ("high", pa.float64()),
    ]
)

ENTITIES: Final = pa.schema(
    [
        # What a query names: the canonical name, or the system's own.
        ("entity", pa.string()),
        ("service", pa.string()),
        ("name", pa.string()),
        ("description", pa.string()),
        ("key", pa.string()),
    ]
)

FIELDS: Final = pa.schema(
    [
        # What a query names, and the system's own name.
        ("field", pa.string()),
        ("native_name", pa.string()),
        ("description", pa.string()),
        # The system's type, and that of the column.
        ("data_type", pa.string()),
        ("arrow_type", pa.string()),
        ("in_key", pa.bool_()),
        # Whether a filter is the server's work, or is applied here to all that it sends.
        ("filtered_by", pa.string()),
    ]
)

# In the metadata of a schema of records: the name of the column with each record's own number.
RECORD_ID: Final = b"record_id"

_QUALITY_NAMES = pa.array(QUALITIES, pa.string())


def quality_array(codes: np.ndarray) -> pa.DictionaryArray:
    """Quality codes (0 good, 1 uncertain, 2 bad) as a dictionary array, without a copy."""
    return pa.DictionaryArray.from_arrays(
        pa.array(codes.astype(np.int8, copy=False)), _QUALITY_NAMES
    )


@lru_cache(maxsize=8)
def constant_dictionary(text: str | None, rows: int) -> pa.DictionaryArray:
    """``rows`` times the same text (or null) as a status array; pages of one size share it."""
    if text is None:
        return pa.DictionaryArray.from_arrays(pa.nulls(rows, pa.int32()), pa.array([], pa.string()))
    return pa.DictionaryArray.from_arrays(
        pa.array(np.zeros(rows, np.int32)), pa.array([text], pa.string())
    )


def series_batch(
    tag: str,
    timestamps: pa.Array,
    values: pa.Array,
    quality: pa.Array,
    status: pa.Array,
    *,
    text: pa.Array | None = None,
    unit: str | None = None,
    data_type: str = "Double",
    failure: str | None = None,
) -> pa.RecordBatch:
    """Samples of one tag: ``timestamp, value, text, quality, status`` and who they are of.

    ``timestamps`` are :data:`TIMESTAMP`, ``values`` float64, ``quality`` from
    :func:`quality_array`, ``status`` a dictionary of the source's own codes (null where it has
    none), ``text`` a string array or nothing when every value is a number. With a ``failure`` the
    samples only tell when it was tried.
    """
    rows = len(timestamps)
    about = {"tag": tag, "unit": unit, "data_type": data_type, "failure": failure}
    return _series([timestamps, values, _text(text, rows), quality, status], about)


def failed_series(tag: str, failure: str) -> pa.RecordBatch:
    """An empty series for a tag that could not be read, with the reason."""
    columns = [
        pa.array([], TIMESTAMP),
        pa.array([], pa.float64()),
        pa.nulls(0),
        quality_array(np.empty(0, np.int8)),
        constant_dictionary(None, 0),
    ]
    return _series(columns, {"tag": tag, "unit": None, "data_type": "", "failure": failure})


def about_series(batch: pa.RecordBatch) -> dict[str, str | None]:
    """``tag, unit, data_type, failure`` of a batch made by :func:`series_batch`."""
    metadata = batch.schema.metadata or {}
    about: dict[str, str | None] = json.loads(metadata[b"series"])
    return about


def _series(columns: Sequence[pa.Array], about: dict[str, str | None]) -> pa.RecordBatch:
    schema = _series_schema(columns[2].type).with_metadata({"series": json.dumps(about)})
    return pa.RecordBatch.from_arrays(list(columns), schema=schema)


@lru_cache(maxsize=8)
def _series_schema(text: pa.DataType) -> pa.Schema:
    fields = [
        pa.field("timestamp", TIMESTAMP),
        pa.field("value", pa.float64()),
        pa.field("text", text),
        pa.field("quality", QUALITY),
        pa.field("status", STATUS),
    ]
    return pa.schema(fields)


def _text(text: pa.Array | None, rows: int) -> pa.Array:
    # The null type takes no memory, so a million plain numbers do not pay for texts they lack.
    return pa.nulls(rows) if text is None else text
