"""The analysers of the stacks as tags, with their calibrations and maintenance."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np

from greenlang_data.drivers.mock.clock import ANALYSER_MAINTENANCE, IntArray, Span, within
from greenlang_data.drivers.mock.combustion import STACKS, Stack
from greenlang_data.drivers.mock.entities.assets import ANALYSERS
from greenlang_data.drivers.mock.entities.work_orders import emergency_repairs
from greenlang_data.drivers.mock.tag import CALIBRATION, MAINTENANCE, Codes, Tag

SCAN: Final = 60
_DAY: Final = 86_400

CALIBRATION_MINUTES: Final = 20
"""Zero and span calibration takes this long each day, from 06:00 UTC at the first stack, 06:20 at
the second, 06:40 at the third. A reading of calibration gas is no emission, so it has no value."""

_FIRST_CALIBRATION: Final = 6 * 3_600

# What it is, its unit, its decimals, and the most it can show.
_MEASURANDS: Final = {
    "CO2": ("carbon dioxide, dry", "%", 2, 20.0),
    "NOx": ("nitrogen oxides as NO2, dry", "ppm", 1, 400.0),
    "SO2": ("sulphur dioxide, dry", "ppm", 1, 200.0),
    "CO": ("carbon monoxide, dry", "ppm", 1, 200.0),
    "O2": ("oxygen, dry", "%", 2, 20.9),
    "flow_rate": ("flue gas, dry, at 20 Cel and 101.325 kPa", "m3/h", 1, 200_000.0),
}
MEASURANDS: Final = tuple(_MEASURANDS)


def stack_tags() -> Iterator[Tag]:
    """The tags of all stacks, named ``STACK-001.CO2`` and so on."""
    for place, (name, stack) in enumerate(STACKS.items()):
        calibrated = _FIRST_CALIBRATION + place * CALIBRATION_MINUTES * 60
        gases = _codes(calibrated, emergency_repairs(ANALYSERS[place]))
        for measurand, (text, unit, decimals, most) in _MEASURANDS.items():
            yield Tag(
                f"{name}.{measurand}",
                f"{stack.unit.title}, stack: {text}",
                unit,
                SCAN,
                decimals,
                0,
                most,
                _reading(stack, measurand),
                good_status="measured",
                # The flow meter is no gas analyser: no gas is passed through it to calibrate it,
                # and it goes on while the analysers are repaired.
                codes=_codes(None, ()) if measurand == "flow_rate" else gases,
            )


def _reading(stack: Stack, measurand: str) -> Callable[[IntArray], IntArray]:
    return lambda times: stack.readings(measurand, times)


def _codes(calibrated: int | None, repairs: tuple[Span, ...]) -> Callable[[IntArray], Codes]:
    def codes(times: IntArray) -> Codes:
        found = np.zeros(len(times), np.int8)
        if calibrated is not None:
            since = times % _DAY - calibrated
            found[(since >= 0) & (since < CALIBRATION_MINUTES * 60)] = CALIBRATION
        found[within(times, (*ANALYSER_MAINTENANCE, *repairs))] = MAINTENANCE
        return found

    return codes
