"""The tags of the simulated plant as a table."""

from __future__ import annotations

import pyarrow as pa

from greenlang_data.drivers.mock.catalogue import TAGS
from greenlang_data.drivers.mock.names import NODE_PREFIX
from greenlang_data.drivers.schema import TAGS as SCHEMA


def tag_table() -> pa.RecordBatch:
    """A row for each tag, in the order of the catalogue.

    Low and high bound what the tag can show, in its unit; a bound that no float64 holds is null.
    Pollutants also go by their bare name (``CO2``), which is that of the stack in the config's
    ``stack_id``.
    """
    rows = [
        {
            "tag_id": f"{NODE_PREFIX}{tag.name}",
            "tag_name": tag.name,
            "path": tag.name.replace(".", "/"),
            "description": tag.description,
            "data_type": tag.data_type,
            "unit": tag.unit,
            "low": _exact(tag.minimum),
            "high": _exact(tag.maximum),
        }
        for tag in TAGS.values()
    ]
    return pa.RecordBatch.from_pylist(rows, schema=SCHEMA)


def _exact(bound: float) -> float | None:
    return float(bound) if float(bound) == bound else None
