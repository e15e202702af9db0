"""CAMPD's rows, from JSON to Arrow columns; a document that is not whole is never used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from greenlang_data.drivers.campd.arrays import rows_decoder
from greenlang_data.drivers.campd.columns import MEASURANDS
from greenlang_data.errors import ProtocolError


class Hour(msgspec.Struct, rename="camel", gc=False):
    """One hour of one unit; ``date`` and ``hour`` are local standard time."""

    facility_id: int
    unit_id: str
    date: str
    hour: int
    op_time: float | None
    state_code: str | None = None
    facility_name: str | None = None
    associated_stacks: str | None = None
    gross_load: float | None = None
    steam_load: float | None = None
    so2_mass: float | None = None
    so2_mass_measure_flg: str | None = None
    so2_rate: float | None = None
    so2_rate_measure_flg: str | None = None
    co2_mass: float | None = None
    co2_mass_measure_flg: str | None = None
    co2_rate: float | None = None
    co2_rate_measure_flg: str | None = None
    nox_mass: float | None = None
    nox_mass_measure_flg: str | None = None
    nox_rate: float | None = None
    nox_rate_measure_flg: str | None = None
    heat_input: float | None = None
    heat_input_measure_flg: str | None = None
    primary_fuel_info: str | None = None
    secondary_fuel_info: str | None = None
    unit_type: str | None = None
    program_code_info: str | None = None


_UNITS: Final = {one.field: one.unit for one in MEASURANDS.values()}
_OF_FLOATS: Final = frozenset(_UNITS)
_REPEATED: Final = pa.dictionary(pa.int32(), pa.string())


def _kind(name: str) -> pa.DataType:
    if name in _OF_FLOATS:
        return pa.float64()
    return {"facility_id": pa.int32(), "hour": pa.int8(), "date": pa.date32()}.get(name, _REPEATED)


HOURS: Final = pa.schema(
    [
        pa.field(name, _kind(name), metadata={"unit": _UNITS[name]} if name in _UNITS else None)
        for name in Hour.__struct_fields__
    ]
)
"""Columns of hours. ``date`` and ``hour`` (0 to 23) are the plant's local standard time, all year:
every day has 24 hours. Units stand in the metadata of the fields."""


def hours_decoder(source: str) -> Callable[[bytes | bytearray], pa.RecordBatch]:
    """A function from a body to a batch of :data:`HOURS`; see :func:`rows_decoder`."""
    rows = rows_decoder(Hour, source)
    return lambda body: _batch(rows(body))


def _batch(rows: list[Hour]) -> pa.RecordBatch:
    columns = []
    for field in HOURS:
        values = [getattr(row, field.name) for row in rows]
        if field.name == "date":
            columns.append(_dates(values))
        elif field.type == _REPEATED:
            columns.append(pa.array(values, pa.string()).dictionary_encode())
        else:
            try:
                columns.append(pa.array(values, field.type))
            except (pa.ArrowException, OverflowError) as error:
                raise ValueError(f"{field.name}: {error}") from None
    batch = pa.RecordBatch.from_arrays(columns, schema=HOURS)
    hour = batch.column("hour")
    if batch.num_rows and not 0 <= pc.min(hour).as_py() <= pc.max(hour).as_py() <= 23:
        raise ValueError("an hour is not one of 0 to 23")
    return batch


def _dates(texts: list[str]) -> pa.Array:
    try:
        return pa.array(texts, pa.string()).cast(pa.date32())
    except pa.ArrowException as error:
        raise ValueError(f"a date is none: {error}") from None


def check_rows(
    batch: pa.RecordBatch, begin: pa.Scalar, end: pa.Scalar, facilities: list[int], source: str
) -> None:
    """Raise ProtocolError for rows that were not asked for, or hours that are there twice."""
    if not batch.num_rows:
        return
    dates = batch.column("date")
    foreign = (
        facilities
        and not pc.all(
            pc.is_in(batch.column("facility_id"), value_set=pa.array(facilities, pa.int32()))
        ).as_py()
    )
    if foreign or pc.less(pc.min(dates), begin).as_py() or pc.greater(pc.max(dates), end).as_py():
        raise ProtocolError(
            "it answered with rows that were not asked for",
            source=source,
            remedy="None of it is used; ask again.",
        )
    keys = pa.table(
        [batch.column("facility_id"), batch.column("unit_id").cast(pa.string()), dates,
         batch.column("hour")], ["facility", "unit", "date", "hour"],
    )  # fmt: skip
    distinct = keys.group_by(["facility", "unit", "date", "hour"]).aggregate([])
    if distinct.num_rows < batch.num_rows:
        raise ProtocolError(
            f"{batch.num_rows - distinct.num_rows} hours are there twice in its answer",
            source=source,
            remedy="None of it is used; ask again.",
        )
