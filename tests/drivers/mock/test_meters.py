"""Counters are the exact integrals of what the flow tags show, and bills those of the counters."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greenlang_data.drivers.mock.clock import seconds
from greenlang_data.drivers.mock.meters import STEP
from greenlang_data.drivers.mock.plant import SITE_POWER, UNITS
from tests.drivers.mock.helpers import moment, one, records, rows, window

METERS = {"SitePower": SITE_POWER} | {f"{unit.name}.FuelFlow": unit.fuel_meter for unit in UNITS}
TEN = timedelta(seconds=STEP)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(sorted(METERS)),
    st.sampled_from([moment(2015, 1, 1), moment(2023, 7, 31, 23, 40), moment(2023, 8, 7, 23, 50)]),
    st.integers(0, 400),
    st.integers(1, 400),
)
def test_totals_are_sums_of_rates(tag: str, place: datetime, first: int, steps: int) -> None:
    start = place + first * TEN
    shown = one(window(tag, start, steps * TEN))["value"].to_pylist()
    begin = int(start.timestamp())
    totals = METERS[tag].total(np.array([begin, begin + steps * STEP], np.int64))
    # Thousandths of the unit, exactly: no double is as exact as the sum of these.
    assert sum(round(value * 1000) for value in shown) * STEP == totals[1] - totals[0]


def test_joules_beyond_doubles_are_exact_texts() -> None:
    power = one(window("SitePower", moment(2024, 3, 1), timedelta(hours=1)))["value"].to_pylist()
    counter = one(window("SiteEnergyJoules", moment(2024, 3, 1), timedelta(hours=1, seconds=10)))
    assert counter["value"].null_count == len(counter)
    shown = [int(text) for text in counter["text"].to_pylist()]
    assert shown[0] > 2**53
    rises = [later - sooner for sooner, later in pairwise(shown)]
    assert rises == [round(kilowatts * 1000) * STEP for kilowatts in power]


def test_whole_units_are_cut_from_the_same_counter() -> None:
    at = (moment(2024, 3, 1, 5), timedelta(seconds=10))
    (joules,) = one(window("SiteEnergyJoules", *at))["text"].to_pylist()
    (energy,) = one(window("SiteEnergy", *at))["value"].to_pylist()
    assert energy == (int(joules) - 9_100_000_000_000_000) // 3_600_000


@pytest.mark.parametrize("month", [1, 8])
def test_bills_are_the_sums_of_the_tags(month: int) -> None:
    bills = rows(records("utility_bill", start=moment(2024, month, 1), end=moment(2024, month, 31)))
    assert [bill["commodity"] for bill in bills] == ["electricity", "natural_gas", "fuel_oil"]
    for bill in bills:
        length = bill["period_end"] - bill["period_start"] + timedelta(days=1)
        thousandths = 0
        for tag in bill["meter_tags"].split("+"):
            raw = one(window(tag, moment(2024, month, 1), length))["value"]
            thousandths += sum(round(value * 1000) for value in raw.to_pylist())
        assert bill["quantity"] == Decimal(thousandths * STEP) / 3600 / 1000
        assert bill["amount"] == (bill["quantity"] * bill["price"]).quantize(Decimal("0.01"))


def test_only_ten_minutes_are_whole() -> None:
    begin = seconds(2024, 1, 1)
    assert SITE_POWER.thousandths(begin, begin + 600) > 0
    with pytest.raises(ValueError, match="600"):
        SITE_POWER.thousandths(begin, begin + 610)
