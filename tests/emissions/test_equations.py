"""Every equation against published numbers, and against exact decimal arithmetic."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import greenlang_data as gd
from greenlang_data.emissions.arrays import evaluate

em = gd.emissions
FLOW = 5780 * 60
"""dscf/h of the turbine in the published example of 40 CFR 60, Method 19."""


@pytest.mark.parametrize(
    ("pollutant", "ppm", "at_15", "pounds", "places", "rate"),
    [
        ("NOx", 43.2, 15.3, 1.79, 4, 0.0580),
        ("CO", 55.0, 19.4, 1.39, 3, 0.045),
        ("SO2", 1.5, 0.5, 0.09, 3, 0.003),
    ],
)
def test_the_published_turbine(
    pollutant: str, ppm: float, at_15: float, pounds: float, places: int, rate: float
) -> None:
    assert em.to_reference_oxygen(
        ppm, 4.2, reference=15, ambient=em.AMBIENT_OXYGEN_US, basis="dry", oxygen_basis="dry",
        decimals=1,
    ) == at_15  # fmt: skip
    assert em.mass_rate(
        ppm, FLOW, pollutant=pollutant, unit="ppm", concentration_basis="dry", flow_basis="dry",
        decimals=2,
    ) == pounds  # fmt: skip
    assert em.emission_rate(
        ppm, 4.2, pollutant=pollutant, unit="ppm", concentration_basis="dry", diluent_basis="dry",
        fd=8991, decimals=places,
    ) == rate  # fmt: skip


@pytest.mark.parametrize(
    ("pollutant", "factor"), [("NO2", 2.0525), ("SO2", 2.8583), ("CO", 1.2497), ("NO", 1.3387)]
)
def test_milligrams_at_zero_degrees(pollutant: str, factor: float) -> None:
    mass = em.to_mg_per_nm3(1.0, pollutant=pollutant, unit="ppm", temperature=0)
    assert mass == pytest.approx(factor, abs=6e-5)
    back = em.to_ppm(mass, pollutant=pollutant, unit="mg/Nm3", temperature=0)
    assert back == pytest.approx(1.0, rel=1e-12)
    assert em.to_mg_per_nm3(1000.0, pollutant=pollutant, unit="ppb", temperature=0) == mass


# K, concentration, F, diluent, moisture B as a fraction: the formulas as Method 19 prints them.
D = Decimal
AIR = D("20.9")
PRINTED: list[tuple[str, str, str, str, Any]] = [
    ("19-1", "fd", "dry", "dry", lambda c, f, g, b: c * f * AIR / (AIR - g)),
    ("19-2", "fw", "wet", "wet", lambda c, f, g, b: c * f * AIR / (AIR * (1 - D("0.027")) - g)),
    ("19-3", "fd", "wet", "wet", lambda c, f, g, b: c * f * AIR / (AIR * (1 - b) - g)),
    ("19-4", "fd", "wet", "dry", lambda c, f, g, b: c * f / (1 - b) * AIR / (AIR - g)),
    ("19-5", "fd", "dry", "wet", lambda c, f, g, b: AIR * c * f / (AIR - g / (1 - b))),
    ("19-6", "fc", "dry", "dry", lambda c, f, g, b: c * f * 100 / g),
    ("19-7", "fc", "wet", "wet", lambda c, f, g, b: c * f * 100 / g),
    ("19-8", "fc", "wet", "dry", lambda c, f, g, b: c * f / (1 - b) * 100 / g),
    ("19-9", "fc", "dry", "wet", lambda c, f, g, b: c * (1 - b) * f * 100 / g),
]
tenths = st.integers


@pytest.mark.parametrize(
    ("name", "factor", "conc", "dil", "printed"), PRINTED, ids=[one[0] for one in PRINTED]
)
@given(c=tenths(0, 20000), g=tenths(1, 140), w=tenths(10, 250), f=tenths(1000, 11000))
def test_rates_are_those_of_exact_decimals(
    name: str, factor: str, conc: Any, dil: Any, printed: Any, c: int, g: int, w: int, f: int
) -> None:
    moist = name in {"19-3", "19-4", "19-5", "19-8", "19-9"}
    rate = em.emission_rate(
        c / 10, g / 10, pollutant="NOx", unit="ppm", concentration_basis=conc, diluent_basis=dil,
        moisture=w / 10 if moist else None, **{factor: f},
    )  # fmt: skip
    exact = D("1.194e-7") * printed(D(c) / 10, D(f), D(g) / 10, D(w) / 1000)
    assert rate == float(exact.quantize(D("0.001"), rounding=ROUND_HALF_UP))


@given(c=tenths(0, 200), q=tenths(1, 500), w=tenths(10, 250), f=tenths(1000, 2000))
def test_mass_and_heat_are_those_of_exact_decimals(c: int, q: int, w: int, f: int) -> None:
    share, percent, flow = (100 - D(w) / 10) / 100, D(c) / 10, D(q) * 1000000
    wet: dict[str, Any] = {"flow_basis": "wet"}

    def one_place(value: Decimal) -> float:
        return float(value.quantize(D("0.1"), rounding=ROUND_HALF_UP))

    tons = em.mass_rate(
        c / 10, float(flow), pollutant="CO2", unit="%", concentration_basis="dry",
        moisture=w / 10, **wet,
    )  # fmt: skip
    assert tons == one_place(D("5.7e-7") * percent * flow * share)
    f15 = em.heat_input_from_co2(float(flow), c / 10, fc=f, co2_basis="wet", **wet)
    assert f15 == max(1.0, one_place(flow * percent / 100 / D(f)))
    f16 = em.heat_input_from_co2(
        float(flow), c / 10, fc=f, co2_basis="dry", moisture=w / 10, minimum=None, **wet
    )
    assert f16 == one_place(flow * share / D(f) * percent / 100)
    oxygen: dict[str, Any] = {"fd": 9780, "moisture": w / 10, **wet}
    f17 = em.heat_input_from_o2(float(flow), c / 10, o2_basis="wet", **oxygen)
    wet_heat = flow / 9780 * (AIR * share - percent) / AIR
    assert f17 == one_place(wet_heat) if wet_heat >= 0 else np.isnan(f17)
    f18 = em.heat_input_from_o2(float(flow), c / 10, o2_basis="dry", **oxygen)
    assert f18 == one_place(flow * share / 9780 * (AIR - percent) / AIR)
    f14a = em.co2_from_o2(c / 10, fd=9780, fc=1800, o2_basis="dry")
    assert f14a == max(0.0, one_place(100 * D(1800) / 9780 * (AIR - percent) / AIR))
    f14b = em.co2_from_o2(c / 10, fd=9780, fc=1800, o2_basis="wet", moisture=w / 10)
    assert f14b == max(0.0, one_place(100 / AIR * D(1800) / 9780 * (AIR * share - percent)))


@given(st.decimals(min_value=-9999, max_value=9999, places=4), st.integers(0, 3))
def test_rounding_is_half_away_from_zero(value: Decimal, places: int) -> None:
    away = value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)
    assert em.round_half_away(float(value), places) == float(away)


def test_rounding_of_what_float_arithmetic_gets_wrong() -> None:
    assert em.mass_rate_from_heat_input(0.35, 1.0) == 0.4
    assert em.mass_rate_from_heat_input(0.15, 3.0) == 0.5  # 0.44999999999999996 in float64


def test_masses_and_totals() -> None:
    assert em.hourly_mass(pd.Series([100.0, None]), pd.Series([0.5, 0.0])).tolist()[0] == 50.0
    assert np.isnan(em.total_tons([4000.0, None], [1.0, 0.5]))
    assert np.isnan(em.total_tons([4000.0, 1.0], [1.0, None]))
    with pytest.raises(gd.QueryError, match="fractions of an hour"):
        em.hourly_mass(1.0, 30.0)
    with pytest.raises(gd.QueryError, match="below 1"):
        em.bias_adjusted(1.0, 0.9)


BASES: list[Any] = [
    lambda: em.mass_rate(1.0, 1.0, pollutant="SO2", unit="ppm", concentration_basis="wet",
                         flow_basis="dry"),
    lambda: em.mass_rate(1.0, 1.0, pollutant="SO2", unit="ppm", concentration_basis="dry",
                         flow_basis="wet"),
    lambda: em.mass_rate(1.0, 1.0, pollutant="SO2", unit="ppm", concentration_basis="wet",
                         flow_basis="wet", moisture=5.0),
    lambda: em.mass_rate(1.0, 1.0, pollutant="SO2", unit="mg/Nm3", concentration_basis="wet",
                         flow_basis="wet"),
    lambda: em.mass_rate(1.0, 1.0, pollutant="SO2", unit="ppm", concentration_basis="damp",
                         flow_basis="wet"),
    lambda: em.emission_rate(1.0, 1.0, pollutant="NOx", unit="ppm", concentration_basis="dry",
                             diluent_basis="dry", fd=1, fc=1),
    lambda: em.emission_rate(1.0, 1.0, pollutant="NOx", unit="ppm", concentration_basis="dry",
                             diluent_basis="wet", fw=1),
    lambda: em.to_reference_oxygen(1.0, 1.0, reference=6, ambient=21, basis="wet",
                                   oxygen_basis="dry"),
    lambda: em.to_reference_oxygen(1.0, 1.0, reference=6, ambient=21, basis="dry",
                                   oxygen_basis="wet"),
    lambda: em.heat_input_from_co2(1.0, 1.0, fc=1, flow_basis="dry", co2_basis="dry"),
    lambda: em.validated_average(1.0, pollutant="NOx", limit=200,
                                 basis=em.Basis("mg/Nm3", "dry", 6),
                                 limit_basis=em.Basis("mg/Nm3", "dry", 3)),
    lambda: em.to_ppm(1.0, pollutant="SO2", unit="ppm", temperature=0),
    lambda: em.to_mg_per_nm3(1.0, pollutant="SO2", unit="ppm", temperature=15),
]  # fmt: skip


@pytest.mark.parametrize("call", BASES, ids=range(len(BASES)))
def test_mixed_bases_and_units_are_refused(call: Any) -> None:
    with pytest.raises(gd.QueryError):
        call()


def test_null_infinity_and_too_much_oxygen_give_null() -> None:
    bad = pd.Series([None, float("inf"), 43.2, 43.2], dtype="float64")
    oxygen = pd.Series([4.2, 4.2, 20.9, 25.0])
    rate = em.emission_rate(
        bad, oxygen, pollutant="NOx", unit="ppm", concentration_basis="dry", diluent_basis="dry",
        fd=8991,
    )  # fmt: skip
    assert rate.isna().all()
    corrected = em.to_reference_oxygen(
        bad, oxygen, reference=15, ambient=20.9, basis="dry", oxygen_basis="dry"
    )
    assert corrected.isna().all()
    heat = em.heat_input_from_o2(
        1e6, 21.0, fd=9780, moisture=10.0, flow_basis="wet", o2_basis="dry"
    )
    assert np.isnan(heat)


def test_every_kind_of_column_gives_the_same() -> None:
    numbers = [90.0, None, 45.5]
    arrow = em.to_dry(pa.array(numbers), 10.0)
    assert arrow.to_pylist() == [100.0, None, pytest.approx(45.5 / 0.9)]
    assert em.to_dry(pa.chunked_array([numbers[:1], numbers[1:]]), 10.0).equals(arrow)
    series = pd.Series(numbers, index=[7, 8, 9], dtype="float64")
    assert em.to_dry(series, 10.0).index.tolist() == [7, 8, 9]
    for dtype in ("Float64", "double[pyarrow]"):
        assert em.to_dry(series.astype(dtype), 10.0).equals(em.to_dry(series, 10.0))
    decimals = pa.array([D("90.0"), None, D("45.5")])
    assert em.to_dry(decimals, 10.0).equals(arrow)


@pytest.mark.parametrize(
    "wrong",
    [pd.Series(["1"]), pd.Series([True]), pa.array(["x"]), [object()]],
    ids=["text", "bool", "arrow", "object"],
)
def test_what_is_no_number_is_refused(wrong: Any) -> None:
    with pytest.raises(gd.QueryError, match="no column of numbers"):
        em.round_half_away(wrong, 1)


def test_columns_that_do_not_belong_together_are_refused() -> None:
    with pytest.raises(gd.QueryError, match="different indexes"):
        em.to_dry(pd.Series([1.0], index=[0]), pd.Series([1.0], index=[1]))
    with pytest.raises(gd.QueryError, match="do not belong"):
        em.to_dry(pd.Series([1.0]), np.array([1.0, 2.0]))


@given(st.lists(st.one_of(st.none(), st.floats(0, 1e6)), min_size=1, max_size=20), st.data())
def test_a_row_does_not_depend_on_the_others(values: list[float | None], data: Any) -> None:
    whole = evaluate(lambda a, b: (a, b), pd.Series(values, dtype="float64"), 7, decimals=2)
    row = data.draw(st.integers(0, len(values) - 1))
    alone = evaluate(lambda a, b: (a, b), values[row], 7, decimals=2)
    assert (whole[row] == alone) or (np.isnan(alone) and values[row] is None)


def test_diluent_cap() -> None:
    capped = em.diluent_cap(pd.Series([15.0, 13.0, None]), gas="O2", unit_type="boiler")
    assert capped["value"].tolist()[:2] == [14.0, 13.0]
    assert capped["capped"].tolist() == [True, False, False]
    own = em.diluent_cap([0.5], gas="CO2", unit_type="turbine", cap=2.0)
    assert own["value"].tolist() == [2.0]


def test_validated_average_and_days() -> None:
    dry6 = em.Basis("mg/Nm3", "dry", 6)
    hours = pd.date_range("2025-03-30", periods=47, freq="h", tz="Europe/Berlin")  # 23 and 24 hours
    frame = pd.DataFrame({"timestamp": hours.tz_convert("UTC"), "concentration": 240.0})
    frame["operating"] = True
    frame["concentration"] = em.validated_average(
        frame["concentration"], pollutant="NOx", limit=200, basis=dry6, limit_basis=dry6
    )
    frame.loc[:2, "concentration"] = None
    days = em.daily_averages(frame, plant="combustion", tz="Europe/Berlin")
    assert days["invalid"].tolist() == [3, 0]
    assert days["value"].tolist() == [200.0, 200.0]
    frame.loc[3, "concentration"] = None
    days = em.daily_averages(frame, plant="combustion", tz="Europe/Berlin")
    assert days["valid"].tolist() == [False, True]
    assert np.isnan(days["value"][0])
    days = em.daily_averages(
        frame.drop(index=range(30, 34)), plant="combustion", tz="Europe/Berlin"
    )
    assert days["valid"].tolist() == [False, False]  # hours that are not there are not valid
