"""Counters of the equipment, each with what its tag showed when it was last read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa

from greenlang_data.drivers.cmms.entities import METER as CANONICAL
from greenlang_data.drivers.mock import plant
from greenlang_data.drivers.mock.clock import RANGE_START, IntArray
from greenlang_data.drivers.mock.entities.assets import EQUIPMENT, SITE, asset_id
from greenlang_data.drivers.mock.entities.common import SOURCE, TEXT, maintained
from greenlang_data.drivers.mock.noise import pick
from greenlang_data.drivers.mock.records import Entity, Row

_ROUND: Final = datetime(2025, 1, 1, 6, tzinfo=UTC)  # the last one before the plant's present
_TAG: Final = pa.field("tag", TEXT)
_WEEK: Final = 604_800
_THOUSANDTH_HOURS: Final = 3_600_000


class _Counter(NamedTuple):
    """A counter of whole units. ``tag`` is its tag, or the one that tells when it counts."""

    name: str
    prefix: str
    tag: str
    unit: str
    shown: Callable[[IntArray], IntArray]


def _fuel(unit: plant.Unit) -> _Counter:
    def count(times: IntArray) -> IntArray:
        return unit.fuel_meter.total(times) // _THOUSANDTH_HOURS

    return _Counter("FUEL", unit.name, f"{unit.name}.FuelTotal", unit.fuel_unit, count)


def _generated(times: IntArray) -> IntArray:
    factor = plant.TURBINE_WATTS_PER_LITRE_PER_HOUR
    return factor * plant.TURBINE.fuel_meter.total(times) // _THOUSANDTH_HOURS


def _hours(parity: int) -> Callable[[IntArray], IntArray]:
    """Hours since the start of 2015 of a pump that runs every other week."""

    def ran(times: IntArray) -> IntArray:
        weeks, rest = np.divmod(times, _WEEK)
        turns = (weeks + parity) // 2
        seconds: IntArray = turns * _WEEK + ((weeks + parity) & 1) * rest
        return seconds

    def count(times: IntArray) -> IntArray:
        begin = np.array([RANGE_START], np.int64)
        return (ran(times) - ran(begin)) // 3_600

    return count


_COUNTERS: Final = (
    *(_fuel(unit) for unit in plant.UNITS),
    _Counter("ENERGY", "GasTurbine", "GasTurbine.Energy", "kW.h", _generated),
    _Counter("RUNHOURS", "Pump1", "Pump1.Running", "h", _hours(0)),
    _Counter("RUNHOURS", "Pump2", "Pump2.Running", "h", _hours(1)),
)


def _rows() -> Iterator[Row]:
    numbers = {item.prefix: n for n, item in enumerate(EQUIPMENT, start=1) if item.prefix}
    for place, counter in enumerate(_COUNTERS):
        read = _ROUND + timedelta(hours=pick("meter.round", place, 5))
        times = np.array([int(read.timestamp())], np.int64)
        yield {
            "meter_id": counter.name,
            "site": SITE,
            "asset_id": asset_id(numbers[counter.prefix]),
            "type": "CONTINUOUS",
            "unit": counter.unit,
            "reading": int(counter.shown(times)[0]),
            "reading_at": read,
            "source_system": SOURCE,
            "tag": counter.tag,
        }


METER: Final = Entity(
    CANONICAL.name,
    ("meter_id", "site", "asset_id"),
    CANONICAL.date_column,
    maintained(CANONICAL, _TAG),
    _rows,
)
