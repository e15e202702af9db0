"""The tags of the simulated plant, as control system and historian know them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from greenlang_data.drivers.mock import plant
from greenlang_data.drivers.mock.clock import IntArray
from greenlang_data.drivers.mock.noise import Knots, straight
from greenlang_data.drivers.mock.plant import BOILER_1, SITE_POWER, TURBINE, UNITS, Unit
from greenlang_data.drivers.mock.stacks import stack_tags
from greenlang_data.drivers.mock.tag import Tag, slow_reading

_WEEK: Final = 604_800
_Levels = tuple[int, int, int, int]
_Grain = tuple[int, int, int]
_Bounds = tuple[float, float]

JOULES_AT_START: Final = 9_100_000_000_000_000
"""What the energy counter showed at the start of 2015; no double holds all numbers beyond 2**53."""

MODES: Final = ("Shutdown", "Reduced", "Normal", "Peak")


def _analog(
    name: str, text: str, unit: str, knots: Knots, *, grain: _Grain, bounds: _Bounds
) -> Tag:  # fmt: skip
    """``grain``: seconds between scans, decimals, counts of noise."""
    scan, decimals, jitter = grain
    return Tag(name, text, unit, scan, decimals, *bounds, slow_reading(knots, jitter, name))


# name, description, unit, reading when stopped, when running, gain to full load, wander, grain,
# bounds; readings are in counts of the last decimal
_PROCESS: Final[tuple[tuple[str, str, str, _Levels, _Grain, _Bounds], ...]] = (
    (
        "Temperature", "Steam header temperature", "Cel",
        (400, 3_700, 250, 12), (1, 1, 3), (0, 450),
    ),
    (
        "Pressure", "Steam header pressure (gauge)", "bar",
        (20, 3_900, 150, 10), (1, 2, 4), (0, 50),
    ),
    (
        "ProcessTemp", "Reactor jacket temperature", "Cel",
        (3_000, 17_500, 1_200, 80), (10, 2, 15), (0, 250),
    ),
    (
        "FlowRate", "Cooling water flow", "m3/h",
        (5_000, 24_000, 12_000, 400), (10, 2, 150), (0, 500),
    ),
    (
        "CoolingWater.SupplyTemp", "Cooling water supply temperature", "Cel",
        (1_600, 1_900, 200, 30), (10, 2, 5), (0, 60),
    ),
    (
        "CoolingWater.ReturnTemp", "Cooling water return temperature", "Cel",
        (1_600, 2_600, 600, 40), (10, 2, 8), (0, 60),
    ),
)  # fmt: skip


def _process_tags() -> Iterator[Tag]:
    for name, text, unit, levels, grain, bounds in _PROCESS:
        knots = plant.with_load(name, *levels)
        yield _analog(name, text, unit, knots, grain=grain, bounds=bounds)
    yield _analog(
        "AmbientTemperature", "Outside air temperature", "Cel", plant.ambient_knots,
        grain=(60, 1, 1), bounds=(-15, 40),
    )  # fmt: skip
    yield Tag("SteamFlow", "Steam of both boilers", "t/h", 10, 3, 0, 40, plant.steam_flow)


def _demo_tags() -> Iterator[Tag]:
    def triangle(times: IntArray) -> IntArray:
        return 1_800 - abs(times % 3_600 - 1_800)

    def staircase(times: IntArray) -> IntArray:
        return times // 60 % 10

    yield Tag("tag1", "Demonstration: triangle of one hour", "s", 1, 0, 0, 1_800, triangle)
    yield Tag(
        "tag2", "Demonstration: one step each minute, ten steps", "1", 1, 0, 0, 9, staircase,
        data_type="Int32",
    )  # fmt: skip


def _energy_tags() -> Iterator[Tag]:
    def kilowatt_hours(times: IntArray) -> IntArray:
        return SITE_POWER.total(times) // 3_600_000

    def joules(times: IntArray) -> IntArray:
        return JOULES_AT_START + SITE_POWER.total(times)

    yield Tag("SitePower", "Power drawn from the grid", "kW", 10, 3, 0, 6_000, SITE_POWER.rate)
    yield Tag(
        "SiteEnergy", "Energy drawn since the start of 2015, whole kWh", "kW.h", 10, 0,
        0, 1_500_000_000, kilowatt_hours,
    )  # fmt: skip
    yield Tag(
        "SiteEnergyJoules", f"Energy counter, {JOULES_AT_START} J at the start of 2015", "J", 10,
        0, JOULES_AT_START, 2**64 - 1, joules, data_type="UInt64",
    )  # fmt: skip


def _unit_tags(unit: Unit) -> Iterator[Tag]:
    meter, name, title = unit.fuel_meter, unit.name, unit.title
    most = unit.capacity / 1000 * 1.01

    def load(times: IntArray) -> IntArray:
        return meter.rate(times) * 1_000 // unit.capacity

    def total(times: IntArray) -> IntArray:
        return meter.total(times) // 3_600_000

    def running(times: IntArray) -> IntArray:
        return (meter.rate(times) > 0).astype(np.int64)

    flow_unit = f"{unit.fuel_unit}/h"
    yield Tag(f"{name}.FuelFlow", f"{title}: fuel", flow_unit, 10, 3, 0, most, meter.rate)
    yield Tag(
        f"{name}.FuelTotal", f"{title}: fuel since the start of 2015, whole {unit.fuel_unit}",
        unit.fuel_unit, 10, 0, 0, 1_000_000_000, total,
    )  # fmt: skip
    yield Tag(f"{name}.Load", f"{title}: load", "%", 10, 1, 0, 101, load)
    yield Tag(
        f"{name}.Running", f"{title}: burns fuel", None, 10, 0, 0, 1, running, data_type="Boolean"
    )


def _turbine_tags() -> Iterator[Tag]:
    meter, factor = TURBINE.fuel_meter, plant.TURBINE_WATTS_PER_LITRE_PER_HOUR

    def power(times: IntArray) -> IntArray:
        return factor * meter.rate(times)

    def energy(times: IntArray) -> IntArray:
        return factor * meter.total(times) // 3_600_000

    def speed(times: IntArray) -> IntArray:
        # Synchronous to the grid: 50 Hz and one pair of poles, but for a few turns.
        return (meter.rate(times) > 0) * (2_998 + times // 10 % 5)

    yield Tag("GasTurbine.Power", "Gas turbine: generated power", "kW", 10, 3, 0, 7_300, power)
    yield Tag(
        "GasTurbine.Energy", "Gas turbine: generated since the start of 2015, whole kWh", "kW.h",
        10, 0, 0, 1_500_000_000, energy,
    )  # fmt: skip
    yield Tag(
        "GasTurbine.Speed", "Gas turbine: speed", "/min", 10, 0, 0, 3_010, speed,
        data_type="Int32",
    )  # fmt: skip


def _state_tags() -> Iterator[Tag]:
    def pump(parity: int) -> Tag:
        def running(times: IntArray) -> IntArray:
            return (times // _WEEK + parity) & 1

        text = f"Cooling water pump {parity + 1} runs; the two take turns by the week"
        name = f"Pump{parity + 1}.Running"
        return Tag(name, text, None, 1, 0, 0, 1, running, data_type="Boolean")

    def mode(times: IntArray) -> IntArray:
        load = straight(plant.site_load, times)
        # 0, 1, 2 or 3: how many of the three bounds the load is above.
        return np.searchsorted([1, 5_501, 8_501], load, side="right")

    yield pump(0)
    yield pump(1)
    yield Tag(
        "OperatingMode", f"Mode of the steam plant: {', '.join(MODES)}", None, 10, 0, 0, 3, mode,
        data_type="String", states=MODES,
    )  # fmt: skip


def _flame(times: IntArray) -> IntArray:
    return (BOILER_1.fuel_meter.rate(times) > 0) * (80 + times // 10 % 7)


def _all_tags() -> Iterator[Tag]:
    yield from _process_tags()
    yield from _energy_tags()
    for unit in UNITS:
        yield from _unit_tags(unit)
    yield Tag(
        "Boiler1.Flame", "Boiler 1: flame intensity", "%", 10, 0, 0, 100, _flame, data_type="Int32"
    )
    yield from _turbine_tags()
    yield from _state_tags()
    yield from _demo_tags()
    yield from stack_tags()


TAGS: Final = {tag.name: tag for tag in _all_tags()}
"""All tags by plain name; those of the stacks as ``STACK-001.CO2``."""
