"""A site's own values of the rules, from ``greenlang.toml`` to the numbers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

import greenlang_data as gd
from greenlang_data.emissions.constants import DILUENT_CAPS, FUEL_FACTORS, INVALID_PER_DAY

TEXT = """
[emissions]
minimum_heat_input = 0.5
readings_apart = 20
measured_flags = ["measured", "good", "span"]
invalid_per_day = { waste = 4 }
diluent_caps = { turbine = { O2 = 19.5 } }

[emissions.fuel_factors]
peat = { fd = 9950, fc = 1850 }
oil = { fd = 9190.5, fc = 1420 }

[emissions.modc]
23 = { flag = "measured:bypass", counts_as = "measured" }
55 = { flag = "measured:petition", counts_as = "quality_assured" }
"""
SOURCE = """
[sources.stack]
kind = "cems"
mock_mode = true
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "greenlang.toml"
    path.write_text(text)
    return path


def test_what_is_not_told_is_as_usual(tmp_path: Path) -> None:
    rules = gd.emissions.Rules.from_toml(write(tmp_path, SOURCE))
    assert rules == gd.emissions.Rules()
    assert rules.modc.flags == gd.emissions.MODC


def test_values_of_the_site_stand_in_place_of_the_usual_ones(tmp_path: Path) -> None:
    path = write(tmp_path, SOURCE + TEXT)
    rules = gd.emissions.Rules.from_toml(path)
    assert rules.fuel_factors["peat"].fd == Decimal(9950)
    assert rules.fuel_factors["oil"].fd == Decimal("9190.5")
    assert rules.fuel_factors["lignite"] == FUEL_FACTORS["lignite"]
    assert rules.diluent_caps["turbine", "O2"] == Decimal("19.5")
    assert rules.diluent_caps["boiler", "O2"] == DILUENT_CAPS["boiler", "O2"]
    assert rules.invalid_per_day == {**INVALID_PER_DAY, "waste": 4}
    assert rules.minimum_heat_input == 0.5
    assert rules.hour_rule.apart == pd.Timedelta(minutes=20)
    assert rules.hour_rule.measured_flags == ("measured", "good", "span")
    assert rules.hour_rule.maintenance_flags == gd.emissions.HourRule().maintenance_flags
    flags = gd.emissions.quality_flag(["23", "55", "01", "24"], modc=rules.modc)
    assert flags.tolist() == ["measured:bypass", "measured:petition", "measured", "unknown"]
    with gd.Session.from_toml(path) as session:
        assert len(session.cems(["SO2"], "2025-01-01", "2025-01-02", resolution="hour")) == 24


def test_a_code_of_the_sites_own_is_no_missing_hour(tmp_path: Path) -> None:
    rules = gd.emissions.Rules.from_toml(write(tmp_path, TEXT))
    start = datetime(2025, 1, 1, tzinfo=UTC)
    hours = pd.DataFrame(
        {
            "timestamp": [start + timedelta(hours=n) for n in range(6)],
            "operating_time": 1.0,
            "modc": ["01", "23", None, "55", "01", "01"],
            "concentration": [10.0, 90.0, None, 30.0, 10.0, 10.0],
        }
    )
    hours["timestamp"] = pd.to_datetime(hours["timestamp"])
    asked = {"parameter": "SO2", "certified": start, "maximum_potential": 400.0}
    filled = gd.emissions.substitute(hours, **asked, modc=rules.modc)
    # The hour before and the one after the gap are those of codes 23 and 55.
    assert filled["concentration"].tolist() == [10.0, 90.0, 60.0, 30.0, 10.0, 10.0]
    assert filled["modc"].tolist() == ["01", "23", "07", "55", "01", "01"]
    # Code 23 is measured, and not quality-assured; code 55 is.
    assert filled["availability"].tolist() == [100.0, 50.0, 33.3, 50.0, 60.0, 66.7]
    with pytest.raises(gd.QueryError, match="the codes 23 are neither"):
        gd.emissions.substitute(hours, **asked)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[emission]\na = 1", "'emissions'"),
        ("[emissions]\nminimum_heat = 1", "'minimum_heat_input'"),
        ("[emissions]\nfuel_factors = { bituminos = { fd = 1, fc = 1 } }", "'bituminous'"),
        (
            "[emissions]\nfuel_factors = { peat = { fd = 1, fcc = 1 } }",
            "fcc is no key here. Did you mean 'fc'",
        ),
        ("[emissions]\nfuel_factors = { peat = { fd = 0, fc = 1 } }", "greater than 0"),
        ("[emissions]\ndiluent_caps = { turbin = { O2 = 19 } }", "did you mean 'turbine'"),
        ("[emissions]\ndiluent_caps = { turbine = { o2 = 19 } }", "'CO2' or 'O2'"),
        ("[emissions]\ninvalid_per_day = { combustible = 1 }", "did you mean 'combustion'"),
        (
            "[emissions.modc]\n1 = { flag = 'measured', counts_as = 'measured' }",
            "did you mean '01'",
        ),
    ],
)
def test_a_wrong_key_is_an_error_with_the_nearest(tmp_path: Path, text: str, told: str) -> None:
    path = write(tmp_path, text + SOURCE)
    for read in (gd.emissions.Rules.from_toml, gd.Session.from_toml):
        with pytest.raises(gd.ConfigurationError) as caught:
            read(path)
        assert told in str(caught.value)
        assert "greenlang.toml" in str(caught.value)
