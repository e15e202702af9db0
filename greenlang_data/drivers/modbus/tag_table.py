"""A register map as a table of tags."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from greenlang_data.drivers.modbus.decode import decoded_type
from greenlang_data.drivers.modbus.layout import span_of
from greenlang_data.drivers.schema import TAGS
from greenlang_data.settings.register import Register


def tag_table(registers: Sequence[Register], unit_id: int) -> pa.RecordBatch:
    """A row of :data:`~greenlang_data.drivers.schema.TAGS` per register, in their order.

    ``path`` is like ``unit 1 holding 100-101``, and ``unit 1 holding 7 bit 3``.
    """
    tags = [one.tag for one in registers]
    columns = [
        pa.array(tags, pa.string()),
        pa.array(tags, pa.string()),
        pa.array([_path(one, unit_id) for one in registers], pa.string()),
        pa.nulls(len(tags), pa.string()),
        pa.array([decoded_type(one) for one in registers], pa.string()),
        pa.array([one.unit for one in registers], pa.string()),
        pa.array([one.low for one in registers], pa.float64()),
        pa.array([one.high for one in registers], pa.float64()),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=TAGS)


def _path(register: Register, unit_id: int) -> str:
    span = span_of(register, unit_id)
    bit = "" if register.bit is None else f" bit {register.bit}"
    return f"unit {span.unit_id} {span}{bit}"
