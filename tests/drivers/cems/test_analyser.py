"""Readings of analysers: what they show is an emission only when they say so themselves."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import greenlang_data as gd
from tests.drivers.cems.helpers import (
    MEASURANDS,
    SIGNALS,
    modbus_config,
    opcua_config,
    registers,
)
from tests.peers.launch_analyser import ModbusAnalyser, OpcuaAnalyser
from tests.peers.proxy import Fault, FaultProxy


def sampled(
    config: gd.CEMSConfig, pollutants: list[str], seconds: float = 0.4, **more: Any
) -> pd.DataFrame:
    with gd.Session([config]) as session:
        session.status()  # pandas is there, so that the window does not pass meanwhile
        start = datetime.now(UTC)
        return session.cems(pollutants, start, start + timedelta(seconds=seconds), **more)


def first_of(frame: pd.DataFrame, pollutant: str) -> pd.Series[Any]:
    return frame[frame["pollutant"] == pollutant].iloc[0]


def test_a_present_window_is_sampled_in_the_units_of_the_map(
    modbus_analyser: ModbusAnalyser,
) -> None:
    modbus_analyser.set(so2=120500.0)
    frame = sampled(modbus_config(modbus_analyser), ["SO2", "O2"])
    so2 = first_of(frame, "SO2")
    assert (so2["concentration"], so2["unit"], so2["quality_flag"]) == (
        120500.0,
        "[ppb]",
        "measured",
    )
    assert first_of(frame, "O2")["concentration"] == 6.25
    assert set(frame["flow_rate"]) == {51234.5}
    assert set(frame["quality"]) == {"good"}
    assert (frame["pollutant"] == "SO2").sum() >= 2
    record = frame.attrs["provenance"]
    assert record["units"] == {"flow_rate": "m3/h"}
    basis = record["metadata"]["basis"]
    assert dict(basis["SO2"]) == {"moisture": "dry", "reference_oxygen": 6.0}
    assert dict(basis["flow_rate"]) == {"moisture": "wet", "reference_oxygen": None}
    assert gd.verify(frame) == "intact"


def test_wide_carries_unit_and_basis_to_the_file(
    modbus_analyser: ModbusAnalyser, tmp_path: Path
) -> None:
    import pyarrow.parquet as pq

    frame = sampled(modbus_config(modbus_analyser), ["SO2", "O2"], shape="wide")
    assert list(frame.columns) == ["SO2", "O2", "flow_rate"]
    assert frame.notna().all().all(), "one look has one time stamp"
    path = gd.to_parquet(frame, tmp_path / "stack.parquet")
    fields = {one.name: one.metadata or {} for one in pq.read_schema(path)}
    assert fields["SO2"] == {b"unit": b"[ppb]", b"moisture": b"dry", b"reference_oxygen": b"6.0"}
    assert fields["flow_rate"] == {b"unit": b"m3/h", b"moisture": b"wet"}
    assert gd.verify(gd.read_parquet(path)) == "intact"


@pytest.mark.parametrize(
    ("change", "flag"),
    [
        ({"zero": True}, "calibration"),
        ({"span": True}, "calibration"),
        ({"maintenance": 1}, "maintenance"),
        ({"invalid": True}, "fault"),
        ({"ok": False}, "fault"),
        ({"ok": False, "span": True}, "fault"),
        ({"refuse": 17}, "unknown"),
    ],
)
def test_a_status_takes_the_reading_away(
    modbus_analyser: ModbusAnalyser, change: dict[str, Any], flag: str
) -> None:
    modbus_analyser.set(**change)
    frame = sampled(modbus_config(modbus_analyser), ["SO2"], errors="report")
    assert set(frame["quality_flag"]) == {flag}
    assert set(frame["quality"]) == {"bad"}
    assert frame["concentration"].isna().all()
    assert frame["flow_rate"].notna().all(), "no gas is passed through the flow meter"


def test_states_with_names_are_signals_and_others_are_unknown(
    modbus_analyser: ModbusAnalyser,
) -> None:
    named = [
        {**one, "enum": {0: "run", 1: "service"}} if one["tag"] == "switch" else one
        for one in registers()
    ]
    signals = [{"tag": "switch", "means": "maintenance", "when": "service"}]
    config = modbus_config(modbus_analyser, registers=named, signals=signals)
    for state, flag in ((0, "measured"), (1, "maintenance"), (2, "unknown")):
        modbus_analyser.set(maintenance=state)
        frame = sampled(config, ["SO2"])
        assert set(frame["quality_flag"]) == {flag}
        assert frame["concentration"].isna().all() == (flag != "measured")


def test_gas_that_comes_between_two_requests_is_no_emission(
    modbus_analyser: ModbusAnalyser,
) -> None:
    """The bits are read, then span gas and its bit come at once, then the reading is read."""
    modbus_analyser.set(flip="span")
    frame = sampled(modbus_config(modbus_analyser), ["SO2"])
    assert set(frame["quality_flag"]) == {"calibration"}
    assert frame["concentration"].isna().all()


RANGES: dict[str, Any] = {
    "registers": [
        *registers(),
        {"tag": "SO2.high", "table": "input", "address": 36, "type": "float32",
         "word_order": "ABCD", "unit": "[ppb]"},
        {"tag": "range2", "table": "discrete", "address": 20, "type": "bool"},
    ],
    "measurands": [
        {**MEASURANDS[0], "ranges": [{"tag": "range2", "read_from": "SO2.high"}]},
        *MEASURANDS[1:],
    ],
}  # fmt: skip


def test_a_range_that_is_switched_is_followed(modbus_analyser: ModbusAnalyser) -> None:
    config = modbus_config(modbus_analyser, **RANGES)
    assert set(sampled(config, ["SO2"])["concentration"]) == {120500.0}
    modbus_analyser.set(range2=True, so2=350000.0)
    frame = sampled(config, ["SO2"])
    assert set(frame["concentration"]) == {350000.0}, "register 34 stops at its full scale"
    assert set(frame["quality_flag"]) == {"measured"}
    modbus_analyser.reset()
    modbus_analyser.set(flip="range2", so2=350000.0)
    first = sampled(config, ["SO2"]).iloc[0]
    assert (first["quality_flag"], first["quality"]) == ("unknown", "bad")
    assert pd.isna(first["concentration"])
    modbus_analyser.set(refuse=20)
    assert set(sampled(config, ["SO2"])["quality_flag"]) == {"unknown"}
    high = {**RANGES["registers"][-2], "unit": "[ppm]"}
    mixed = {**RANGES, "registers": [*RANGES["registers"][:-2], high, RANGES["registers"][-1]]}
    with pytest.raises(gd.ConfigurationError, match="different units"):
        sampled(modbus_config(modbus_analyser, **mixed), ["SO2"])


def test_calibration_minutes_in_a_window_are_in_no_average(modbus_analyser: ModbusAnalyser) -> None:
    config = modbus_config(modbus_analyser)
    before = sampled(config, ["SO2"])
    modbus_analyser.set(span=True)
    during = sampled(config, ["SO2"])
    frame = pd.concat([before, during], ignore_index=True)
    hours = gd.emissions.hourly_averages(frame, operating=True)
    assert set(during["quality_flag"]) == {"calibration"}
    assert hours["readings"].sum() == len(before)


def test_without_signals_nothing_passes_for_measured(modbus_analyser: ModbusAnalyser) -> None:
    frame = sampled(modbus_config(modbus_analyser, signals=[]), ["SO2"])
    assert set(frame["quality_flag"]) == {"unknown"}
    assert set(frame["quality"]) == {"uncertain"}


def test_a_lost_analyser_is_a_gap_and_missing(
    modbus_analyser: ModbusAnalyser, proxy_factory: Any
) -> None:
    proxy: FaultProxy = proxy_factory(modbus_analyser.port)
    config = modbus_config(modbus_analyser, port=proxy.port, timeout_seconds=1)

    def lose() -> None:
        proxy.set_fault(Fault.REFUSE)
        proxy.reset_connections()

    timer = threading.Timer(0.8, lose)
    timer.start()
    frame = sampled(config, ["SO2"], seconds=1.5)
    timer.join()
    missing = frame[frame["quality_flag"] == "missing"]
    assert len(missing) >= 1
    assert missing["concentration"].isna().all()
    assert frame.attrs["provenance"]["metadata"]["gaps"]


def test_opc_ua_modes_and_bad_values(opcua_analyser: OpcuaAnalyser) -> None:
    config = opcua_config(opcua_analyser)
    frame = sampled(config, ["NOx", "O2"])
    assert first_of(frame, "NOx")["concentration"] == 43.2
    assert set(frame["quality_flag"]) == {"measured"}
    age = datetime.now(UTC) - frame["timestamp"].min()
    assert age < timedelta(minutes=1), "the time of the look, and not that of the last change"
    opcua_analyser.set(Mode=1)
    frame = sampled(config, ["NOx"])
    assert set(frame["quality_flag"]) == {"calibration"}
    opcua_analyser.set(Mode=2, Alarm=True)
    assert set(sampled(config, ["NOx"])["quality_flag"]) == {"fault"}
    opcua_analyser.set(Mode=0, Alarm=False, NOx=None)
    frame = sampled(config, ["NOx", "O2"])
    assert first_of(frame, "NOx")["quality"] == "bad"
    assert "BadSensorFailure" in first_of(frame, "NOx")["quality_flag"]
    assert first_of(frame, "O2")["quality_flag"] == "measured"
    opcua_analyser.set(NOx=40.0, Mode=None)
    assert set(sampled(config, ["NOx"])["quality_flag"]) == {"unknown"}


def test_a_window_of_the_past_is_refused_and_says_what_to_do(
    modbus_analyser: ModbusAnalyser,
) -> None:
    with (
        gd.Session([modbus_config(modbus_analyser)]) as session,
        pytest.raises(gd.UnsupportedError, match=r"nothing records it.*greenlang-data record"),
    ):
        session.cems(["SO2"], start="2026-01-01", end="2026-01-02")


def test_a_window_of_the_future_is_waited_for(modbus_analyser: ModbusAnalyser) -> None:
    with gd.Session([modbus_config(modbus_analyser)]) as session:
        session.status()
        start = datetime.now(UTC) + timedelta(seconds=0.6)
        frame = session.cems(["SO2"], start, start + timedelta(seconds=0.4))
    assert frame["timestamp"].min() >= start
    assert set(frame["quality_flag"]) == {"measured"}
    unknown = ["SO2", "NO2"]
    frame = sampled(modbus_config(modbus_analyser), unknown, errors="report")
    assert list(frame.attrs["provenance"]["failures"]) == ["NO2"]
    assert first_of(frame, "SO2")["quality_flag"] == "measured"


def test_windows_that_cannot_be_sampled_are_refused(modbus_analyser: ModbusAnalyser) -> None:
    now = datetime.now(UTC)
    later = now + timedelta(minutes=5)
    with gd.Session([modbus_config(modbus_analyser)]) as session:
        with pytest.raises(gd.QueryError, match="began in the past"):
            session.cems(["SO2"], now - timedelta(hours=1), later)
        with pytest.raises(gd.QueryError, match="per hour"):
            session.cems(["SO2"], now, later, resolution="hour")
        with pytest.raises(gd.QueryError, match="says how long it takes"):
            session.cems(["SO2"], now, later, timeout=5)
        with pytest.raises(gd.UnknownTagError, match="NO2"):
            session.cems(["NO2"], now + timedelta(days=1), now + timedelta(days=2))
        # Without an end it is the present, which is the past as soon as it is asked for.
        with pytest.raises(gd.UnsupportedError, match="nothing records it"):
            session.cems(["SO2"], now - timedelta(hours=1))
        with pytest.raises(gd.UnsupportedError, match="nothing records it"):
            session.cems(["SO2"], "*-1h")


def test_wrong_configurations_say_what_is_wrong(modbus_analyser: ModbusAnalyser) -> None:
    refused: list[tuple[dict[str, Any], str]] = [
        ({"signals": [{**SIGNALS[0], "measurands": ["SO3"]}]}, "SO3"),
        ({"signals": [{**SIGNALS[0], "means": "lunch"}]}, "calibration"),
        ({"measurands": [MEASURANDS[0], MEASURANDS[0]]}, "twice"),
        ({"measurands": [{**MEASURANDS[0], "moisture": "damp"}]}, "wet"),
        ({"security_mode": "None"}, "security_mode is for opcua"),
    ]
    for wrong, message in refused:
        with pytest.raises(ValueError, match=message):
            modbus_config(modbus_analyser, **wrong)
    now = datetime.now(UTC)
    useless: list[tuple[dict[str, Any], str]] = [
        ({"measurands": [], "signals": []}, "no measurands"),
        ({"measurands": [{"tag": "SO2"}], "signals": []}, "no register called 'SO2'"),
    ]
    for wrong, message in useless:
        with (
            gd.Session([modbus_config(modbus_analyser, **wrong)]) as session,
            pytest.raises(gd.ConfigurationError, match=message),
        ):
            session.cems(["SO2"], now, now + timedelta(seconds=1))
