"""From an analyser, a report and EPA's hours to the numbers that are reported."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

import greenlang_data as gd
from tests.drivers.campd.helpers import campd_config
from tests.drivers.cems.helpers import modbus_config, opcua_config
from tests.drivers.ecmps.test_ecmps import config as ecmps_config
from tests.peers.campd_truth import so2_mass
from tests.peers.ecmps_truth import report
from tests.peers.historian_launch import HistorianPeer
from tests.peers.launch_analyser import ModbusAnalyser, OpcuaAnalyser

EM = gd.emissions


def sampled(config: gd.CEMSConfig, pollutants: list[str]) -> pd.DataFrame:
    with gd.Session([config]) as session:
        session.status()
        start = datetime.now(UTC)
        return session.cems(pollutants, start, start + timedelta(seconds=0.4), shape="wide")


def test_the_published_turbine_from_the_analyser_to_its_printed_digits(
    opcua_analyser: OpcuaAnalyser,
) -> None:
    """A Method 19 example: NOx 43.2 ppmvd, O2 4.2 %, 5,780 dscfm, Fd 8,991 dscf/mmBtu."""
    frame = sampled(opcua_config(opcua_analyser), ["NOx", "O2"])
    nox, oxygen = EM.basis_of(frame, "NOx"), EM.basis_of(frame, "O2")
    assert (nox, oxygen) == (EM.Basis("ppm", "dry"), EM.Basis("%", "dry"))
    rate = EM.emission_rate(
        frame["NOx"], frame["O2"], pollutant="NOx", unit=nox.unit,
        concentration_basis=nox.moisture, diluent_basis=oxygen.moisture, fd=8991, decimals=4,
    )  # fmt: skip
    assert set(rate) == {0.0580}
    mass = EM.mass_rate(
        frame["NOx"], 5780 * 60, pollutant="NOx", unit=nox.unit,
        concentration_basis=nox.moisture, flow_basis="dry", decimals=2,
    )  # fmt: skip
    assert set(mass) == {1.79}
    at_15 = EM.to_reference_oxygen(
        frame["NOx"], frame["O2"], reference=15, ambient=EM.AMBIENT_OXYGEN_US,
        basis=nox.moisture, oxygen_basis=oxygen.moisture, decimals=1,
    )  # fmt: skip
    assert set(at_15) == {15.3}


def test_a_report_s_hours_give_its_masses(tmp_path: Path) -> None:
    """Equation F-1 over the wet, bias-adjusted SO2 of a quarterly report and its flow."""
    path = tmp_path / "2021q1.json"
    path.write_text(json.dumps(report(2021, 1)))
    with gd.Session([ecmps_config(files=[str(path)])]) as session:
        frame = session.cems(
            ["SO2C", "FLOW", "operating_time"], "2021-01-01T05:00Z", "2021-01-02T05:00Z",
            shape="wide",
        )  # fmt: skip
    so2 = EM.basis_of(frame, "SO2C")
    assert (so2.unit, so2.moisture) == ("ppm", "wet")
    rate = EM.mass_rate(
        frame["SO2C"], frame["FLOW"], pollutant="SO2", unit=so2.unit,
        concentration_basis=so2.moisture, flow_basis="wet",
    )  # fmt: skip
    by_hand = 1.660e-7 * (100 + 0.1) * 1.05 * 30_000_000 * 1.05
    assert rate.iloc[0] == pytest.approx(by_hand, abs=0.05)
    assert pd.isna(rate.iloc[6]), "the hour in which it stood still"
    tons = EM.total_tons(EM.hourly_mass(rate, frame["operating_time"]), frame["operating_time"])
    assert tons == pytest.approx(rate.sum() / 2000, abs=0.1)


def test_epa_s_hours_are_masses_already(campd_peer: HistorianPeer) -> None:
    with gd.Session([campd_config(campd_peer)]) as session:
        frame = session.cems(
            ["SO2", "operating_time"], "2021-03-12T06:00Z", "2021-03-13T06:00Z", shape="wide"
        )
    day = datetime(2021, 3, 12, tzinfo=UTC).date()
    expected = sum(so2_mass("1", day, hour) or 0 for hour in range(24)) / 2000
    tons = EM.total_tons(frame["SO2"], frame["operating_time"], decimals=3)
    assert tons == pytest.approx(expected, abs=0.0005)
    with pytest.raises(gd.QueryError, match="wet or dry is not known"):
        EM.basis_of(frame, "SO2")


def test_wet_and_dry_do_not_come_together(modbus_analyser: ModbusAnalyser, tmp_path: Path) -> None:
    dry = modbus_config(modbus_analyser)
    so2, *others = dry.measurands
    wet = modbus_config(
        modbus_analyser, connector_id="stack9",
        measurands=[so2.model_copy(update={"moisture": "wet"}), *others],
    )  # fmt: skip
    first, second = sampled(dry, ["SO2"]), sampled(wet, ["SO2"])
    with pytest.raises(gd.QueryError, match=r"SO2 is dry, at 6 % oxygen in one frame and wet"):
        gd.concat([first, second])
    with pytest.raises(gd.QueryError, match="not the same basis"):
        EM.require_same_basis(EM.basis_of(first, "SO2"), EM.basis_of(second, "SO2"))
    both = gd.concat([first, sampled(dry, ["SO2"])])
    assert EM.basis_of(both, "SO2") == EM.Basis("ppb", "dry", 6.0)
    again = gd.read_parquet(gd.to_parquet(both, tmp_path / "both.parquet"))
    assert EM.basis_of(again, "SO2") == EM.Basis("ppb", "dry", 6.0)
    side = gd.merge(first, second, left_index=True, right_index=True, how="outer")
    assert EM.basis_of(side, "SO2_x").moisture == "dry"
    assert EM.basis_of(side, "SO2_y").moisture == "wet"
