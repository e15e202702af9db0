"""What the analysers see follows from the fuel, by the equations of 40 CFR 75 and 60."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from numpy.typing import NDArray

from greenlang_data.drivers.mock.combustion import EMISSION_FACTORS, FUELS
from greenlang_data.drivers.mock.plant import UNITS, Unit
from tests.drivers.mock.helpers import listed, moment, one, records, rows, series, window

ANALYSERS = ("ASSET-004", "ASSET-005", "ASSET-006")
GASES = ("CO2", "NOx", "SO2", "CO", "O2", "flow_rate")
# Metric forms of the factors, worked out by hand: scf = 0.028316846592 m3, mmBtu = 1.05505585262
# GJ, lb = 453592.37 mg; 1 ppm at 20 Cel and 101.325 kPa in mg/m3.
M3_PER_GJ = 0.028316846592 / 1.05505585262
MG_PER_PPM = {
    "SO2": 1.660e-7 * 453592.37 / 0.028316846592,
    "NOx": 1.194e-7 * 453592.37 / 0.028316846592,
    "CO": 7.268e-8 * 453592.37 / 0.028316846592,
}


def measured(unit: Unit, days: int) -> dict[str, NDArray[np.float64]]:
    tags = tuple(f"{unit.stack}.{gas}" for gas in GASES)
    start, length = moment(2024, 2, 5, 7), timedelta(days=days)
    answer = series(window((*tags, f"{unit.name}.FuelFlow"), start, length))
    fuel = answer.pop(f"{unit.name}.FuelFlow")["value"].to_numpy()[::6]
    found = {tag.split(".")[1]: table["value"].to_numpy() for tag, table in answer.items()}
    valid = ~np.isnan(found["CO2"])
    assert valid.mean() > 0.98
    return {name: values[valid] for name, values in (found | {"fuel": fuel}).items()}


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_emissions_follow_fuel(unit: Unit) -> None:
    seen, fuel = measured(unit, 3), FUELS[unit.fuel]
    heat = seen["fuel"] * float(fuel.gcv) / 1000  # GJ/h
    excess = 20.9 / (20.9 - seen["O2"])
    assert np.allclose(seen["flow_rate"], heat * fuel.fd * M3_PER_GJ * excess, rtol=1e-4)
    assert np.allclose(seen["CO2"], 100 * fuel.fc / fuel.fd / excess, atol=0.0051)
    # Heat input from CO2 and flow (equation F-15) is the heat of the fuel burned.
    from_stack = seen["flow_rate"] * seen["CO2"] / (100 * fuel.fc * M3_PER_GJ)
    assert np.allclose(from_stack, heat, rtol=2e-3)


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
@pytest.mark.parametrize("gas", ["NOx", "SO2", "CO"])
def test_masses_are_factors_times_heat(unit: Unit, gas: str) -> None:
    seen = measured(unit, 3)
    heat = seen["fuel"] * float(FUELS[unit.fuel].gcv) / 1000
    mass = seen[gas] * MG_PER_PPM[gas] * seen["flow_rate"]  # mg/h
    # Half of the last decimal shown, and factors in whole mg/GJ cut twice.
    rounding = 0.0505 * MG_PER_PPM[gas] * seen["flow_rate"] + 2 * heat
    load = seen["fuel"] / (unit.capacity / 1000)
    by_load = {"NOx": 0.8 + 0.2 * load, "CO": 2 - load, "SO2": np.ones_like(load)}[gas]
    wanted = EMISSION_FACTORS[unit.stack][gas] * heat * by_load
    assert (abs(mass - wanted) <= 0.021 * wanted + rounding).all()


def test_no_fuel_in_the_shut_down() -> None:
    tags = tuple(
        [f"{unit.stack}.{gas}" for unit in UNITS for gas in GASES]
        + [f"{unit.name}.{what}" for unit in UNITS for what in ("FuelFlow", "Load", "Running")]
        + ["GasTurbine.Power", "GasTurbine.Speed", "SteamFlow"]
    )
    for year in (2015, 2024, 2035):
        answer = series(window(tags, moment(year, 8, 1), timedelta(hours=167), 600.0, "max"))
        for tag, table in answer.items():
            bounds = set(table["value"].drop_null().to_pylist())
            assert bounds == ({20.9} if tag.endswith(".O2") else {0.0}), tag
    mode = one(window("OperatingMode", moment(2024, 8, 4), timedelta(hours=1)))
    assert set(mode["text"].to_pylist()) == {"Shutdown"}


def test_weekends_and_summers_are_lower() -> None:
    days = one(window("SitePower", moment(2024, 1, 1), timedelta(days=364), 86400.0, "avg"))
    week = days["value"].to_numpy().reshape(52, 7)
    assert (week[:, 5:].mean(axis=1) < 0.9 * week[:, :5].mean(axis=1))[:30].all()
    assert week[24:28].mean() < week[:4].mean()


def statuses(tag: str, *parts: int, days: int = 1) -> dict[str, int]:
    table = one(window(tag, moment(*parts), timedelta(days=days)))
    bad = table.filter(pc.equal(table["quality"].cast(pa.string()), "bad"))
    assert bad["value"].null_count == len(bad)
    counts = pc.value_counts(table["status"].combine_chunks().cast(pa.string()))
    return {str(row["values"]): int(row["counts"]) for row in counts.to_pylist()}


def test_calibration_and_maintenance_have_no_values() -> None:
    assert statuses("STACK-002.NOx", 2024, 5, 6) == {"measured": 1420, "calibration": 20}
    assert statuses("STACK-002.flow_rate", 2024, 5, 6) == {"measured": 1440}
    assert statuses("STACK-002.NOx", 2024, 8, 3, days=2) == {"maintenance": 2880}
    begins = one(window("STACK-003.CO2", moment(2024, 5, 6, 6, 39), timedelta(minutes=2)))
    assert begins["status"].to_pylist() == ["measured", "calibration"]
    hour = rows(one(window("CO2", moment(2024, 5, 6, 6), timedelta(hours=1), 3600.0, "count")))
    assert (hour[0]["value"], hour[0]["quality"]) == (40.0, "uncertain")


def test_a_work_order_explains_each_maintenance() -> None:
    jobs = records("work_order", filters={"type": "CAL"}).to_pylist()
    stacks = {row["asset_id"]: row["tag_prefix"] for row in records("asset").to_pylist()}
    assert len(jobs) == 9
    for job in jobs:
        gap = window(f"{stacks[job['asset_id']]}.CO2", job["actual_start"], timedelta(days=2))
        assert gap.end == job["actual_finish"]
        assert set(one(gap)["status"].to_pylist()) == {"maintenance"}


def test_an_analyser_under_emergency_repair_shows_nothing_while_its_flow_meter_does() -> None:
    stacks = {row["asset_id"]: row["tag_prefix"] for row in records("asset").to_pylist()}
    done = records("work_order", filters={"type": "EM", "status": ["completed", "closed"]})
    jobs = [job for job in done.to_pylist() if job["asset_id"] in ANALYSERS]
    assert len(jobs) > 20
    for job in jobs[::5]:
        start, took = job["actual_start"], job["actual_finish"] - job["actual_start"]
        stack = stacks[job["asset_id"]]
        inside = one(window(f"{stack}.SO2", start, took))
        assert set(inside["status"].to_pylist()) == {"maintenance"}
        assert (
            "maintenance"
            not in one(window(f"{stack}.flow_rate", start, took))["status"].to_pylist()
        )


def test_stacks_differ_and_a_bare_pollutant_is_the_configured_one() -> None:
    at = (moment(2024, 5, 6), timedelta(hours=1))
    bare = [one(window("NOx", *at), stack_id=unit.stack) for unit in UNITS]
    full = [one(window(f"{unit.stack}.NOx", *at)) for unit in UNITS]
    assert all(left.equals(right) for left, right in zip(bare, full, strict=True))
    assert not bare[0].equals(bare[1])
    assert one(window("NOx", *at), stack_id=None).equals(bare[0])


def test_values_stay_within_what_is_listed() -> None:
    for row in listed():
        if row["data_type"] in {"String", "UInt64"}:
            continue
        for how, inside in (("min", row["low"].__le__), ("max", row["high"].__ge__)):
            year = one(window(row["tag_id"], moment(2024, 1, 1), timedelta(days=366), 86400.0, how))
            assert all(map(inside, year["value"].drop_null().to_pylist())), (row["tag_id"], how)
