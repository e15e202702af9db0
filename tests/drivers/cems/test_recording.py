"""The recorder and the windows that it makes answerable, in processes of their own."""

from __future__ import annotations

import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

import greenlang_data as gd
from greenlang_data.cli import main
from greenlang_data.drivers.analyser.recorder import Recorder
from greenlang_data.drivers.analyser.store import Run
from tests.drivers.cems.helpers import MEASURANDS, modbus_config, toml_of
from tests.peers.launch_analyser import ModbusAnalyser
from tests.peers.proxy import Fault, FaultProxy


@contextmanager
def recording(file: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "greenlang_data.cli", "record", "stack1", str(file), *options]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=Path.cwd()
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def acknowledged(line: str) -> tuple[datetime, int]:
    """Until when, and how many readings, a line says are written."""
    words = line.split()
    return datetime.fromisoformat(words[0]), int(words[4])


def lines_of(process: subprocess.Popen[str], count: int) -> list[tuple[datetime, int]]:
    assert process.stdout is not None
    return [acknowledged(process.stdout.readline()) for _ in range(count)]


def past(config: gd.CEMSConfig, start: datetime, end: datetime, **more: Any) -> pd.DataFrame:
    with gd.Session([config]) as session:
        return session.cems(["SO2", "O2", "CO2"], start, end, **more)


@pytest.fixture
def config(modbus_analyser: ModbusAnalyser, tmp_path: Path) -> gd.CEMSConfig:
    return modbus_config(modbus_analyser, recording=str(tmp_path / "stack1.recording"))


Lines = list[tuple[datetime, int]]


@pytest.fixture(scope="module")
def once(
    modbus_analyser_session: ModbusAnalyser, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Lines]:
    """A short recording that ended by itself, and what it said."""
    modbus_analyser_session.reset()
    folder = tmp_path_factory.mktemp("once")
    file = toml_of(modbus_config(modbus_analyser_session), folder)
    with recording(file, "--commit-every", "0.1", "--for", "0.9") as process:
        process.wait(20)
        assert process.returncode == 0
        assert process.stdout is not None
        told = [acknowledged(line) for line in process.stdout]
    return folder / "stack1.recording", told


@pytest.fixture
def recorded(config: gd.CEMSConfig, once: tuple[Path, Lines]) -> Lines:
    """The same, copied to where ``config`` looks."""
    shutil.copy(once[0], str(config.recording))
    return once[1]


def test_what_was_recorded_answers_the_past(
    config: gd.CEMSConfig, modbus_analyser: ModbusAnalyser, tmp_path: Path
) -> None:
    file = toml_of(config, tmp_path)
    with recording(file, "--commit-every", "0.3") as process:
        first, _ = lines_of(process, 1)[0]
        modbus_analyser.set(span=True)
        lines_of(process, 2)
        modbus_analyser.set(span=False)
        last, total = lines_of(process, 3)[-1]
        process.send_signal(signal.SIGINT)
        process.wait(10)
        assert process.returncode == 0
    whole = past(config, first, last)
    assert set(whole["quality_flag"]) == {"measured", "calibration"}
    calibrating = whole[whole["quality_flag"] == "calibration"]
    assert calibrating["concentration"].isna().all()
    assert set(whole[whole["pollutant"] == "SO2"]["concentration"].dropna()) == {120500.0}
    assert set(whole["flow_rate"]) == {51234.5}
    assert dict(whole.attrs["provenance"]["metadata"]["basis"]["SO2"]) == {
        "moisture": "dry",
        "reference_oxygen": 6.0,
    }
    assert whole.attrs["provenance"]["mode"] == "live"
    assert gd.verify(whole) == "intact"
    assert 0 < len(whole) < total
    mean = past(config, first, last, resolution="hour")
    so2 = mean[mean["pollutant"] == "SO2"].iloc[0]
    assert (so2["concentration"], so2["quality_flag"]) == (120500.0, "partly_measured")


def test_the_past_needs_no_analyser_and_a_lost_one_is_told(
    config: gd.CEMSConfig, modbus_analyser: ModbusAnalyser, recorded: Lines, proxy_factory: Any
) -> None:
    proxy: FaultProxy = proxy_factory(modbus_analyser.port)
    away = config.model_copy(update={"endpoint": f"127.0.0.1:{proxy.port}"})
    proxy.set_fault(Fault.REFUSE)
    with gd.Session([away]) as session:
        window = (recorded[0][0], recorded[-1][0])
        assert len(session.cems(["SO2"], *window)) > 0
        start = datetime.now(UTC)
        with pytest.raises(gd.SourceUnreachable, match="stack1"):
            session.cems(["SO2"], start, start + timedelta(minutes=1))
        assert session.status()["state"].tolist() == ["error"]
        assert len(session.cems(["SO2"], *window)) > 0
        proxy.set_fault(Fault.PASS)
        start = datetime.now(UTC)
        live = session.cems(["SO2"], start, start + timedelta(seconds=0.3))
        assert set(live["quality_flag"]) == {"measured"}


def test_what_was_not_recorded_is_an_error_that_says_what_was(
    config: gd.CEMSConfig, recorded: Lines
) -> None:
    last = recorded[-1][0]
    start, end = last - timedelta(hours=1), last - timedelta(milliseconds=100)
    with pytest.raises(gd.ReadFailed, match=r"SO2: recorded only 20\d\d-.* to 20\d\d-"):
        past(config, start, end)
    partly = past(config, start, end, errors="report")
    assert len(partly) > 0
    assert set(partly.attrs["provenance"]["failures"]) == {"SO2", "O2", "CO2", "flow_rate"}
    with pytest.raises(gd.UnsupportedError, match=r"nothing was recorded: recorded are 20\d\d-"):
        past(config, start, start + timedelta(minutes=1))


def test_an_analyser_that_was_away_is_a_gap_between_two_spans(
    modbus_analyser: ModbusAnalyser, tmp_path: Path, proxy_factory: Any
) -> None:
    proxy: FaultProxy = proxy_factory(modbus_analyser.port)
    config = modbus_config(
        modbus_analyser, port=proxy.port, recording=str(tmp_path / "stack1.recording")
    )
    with recording(toml_of(config, tmp_path), "--commit-every", "0.1") as process:
        first = lines_of(process, 2)[0][0]
        proxy.set_fault(Fault.REFUSE)
        proxy.reset_connections()
        time.sleep(1)
        proxy.set_fault(Fault.PASS)
        proxy.reset_connections()
        back = datetime.now(UTC)
        while (last := lines_of(process, 1)[0][0]) < back + timedelta(seconds=0.3):
            pass
        process.send_signal(signal.SIGTERM)
        process.wait(10)
        assert process.returncode == 0
    with pytest.raises(gd.ReadFailed, match=r"recorded only 20\S+ to 20\S+, 20\S+ to 20\S+;"):
        past(config, first, last)
    frame = past(config, first, last, errors="report")
    assert set(frame["quality_flag"]) == {"measured", "missing"}
    lost = frame[frame["quality_flag"] == "missing"]
    assert lost["concentration"].isna().all()
    assert len(lost) == 3, "one row for each gas, where it was last heard"


def test_a_killed_recorder_has_what_it_acknowledged(config: gd.CEMSConfig, tmp_path: Path) -> None:
    """SIGKILL at several moments, also while it writes; each time all that was told is there."""
    file = toml_of(config, tmp_path)
    told: list[tuple[datetime, int]] = []
    for kill_after in (0.0, 0.017):
        with recording(file, "--commit-every", "0.001") as process:
            lines = lines_of(process, 3)
            time.sleep(kill_after)
            process.kill()
            assert process.stdout is not None
            lines += [acknowledged(line) for line in process.stdout if line.endswith("in all\n")]
        told.append(lines[-1])
        until = lines[-1][0]
        begun = lines[0][0]
        frame = past(config, begun, until)
        # All that was told after the first line; the flow stands beside the three gases.
        assert len(frame) * 4 == (lines[-1][1] - lines[0][1]) * 3
        assert set(frame["quality_flag"]) == {"measured"}
    with sqlite3.connect(tmp_path / "stack1.recording") as database:
        assert database.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        stored = database.execute("SELECT run, sum(rows) FROM parts GROUP BY run").fetchall()
    database.close()
    assert [run for run, _ in stored] == [1, 2]
    for (_, kept), (_, total) in zip(stored, told, strict=True):
        assert kept >= total
    with pytest.raises(gd.ReadFailed, match="recorded only"):
        past(config, told[0][0], told[-1][0])


def test_a_part_that_was_changed_does_not_pass_for_whole(
    config: gd.CEMSConfig, recorded: Lines
) -> None:
    window = (recorded[0][0], recorded[-1][0])
    database = sqlite3.connect(str(config.recording))
    with pytest.raises(sqlite3.IntegrityError, match="append only"):
        database.execute("UPDATE parts SET rows = 0")
    with pytest.raises(sqlite3.IntegrityError, match="append only"):
        database.execute("DELETE FROM parts")
    database.rollback()
    database.execute("DROP TRIGGER parts_last")
    database.execute("DELETE FROM parts WHERE part = 2")
    database.commit()
    database.close()
    with pytest.raises(gd.ExportError, match="not as it was written"):
        past(config, *window)


def test_two_bases_are_never_mixed(config: gd.CEMSConfig, recorded: Lines) -> None:
    wet = [{**MEASURANDS[0], "moisture": "wet"}, *MEASURANDS[1:]]
    changed = config.model_copy(update={})
    changed.measurands = wet  # type: ignore[assignment]  # as a user assigns it
    with pytest.raises(gd.QueryError, match=r"SO2 was recorded as .*dry.* configured as .*wet"):
        past(changed, recorded[0][0], recorded[-1][0])


def test_only_one_recorder_writes_and_only_its_own_file(tmp_path: Path) -> None:
    run = Run(1, "stack1", "modbus here", 10.0, {}, "0")
    first = Recorder(tmp_path / "one", run)
    second = Recorder(tmp_path / "one", run)
    schema = pa.schema([("timestamp", pa.int64())])
    second.append([], schema, 1, 2)
    with pytest.raises(gd.ExportError, match="another recorder"):
        first.append([], schema, 1, 2)
    with pytest.raises(gd.ExportError, match="'stack1'"):
        Recorder(tmp_path / "one", Run(1, "stack2", "modbus here", 10.0, {}, "0"))
    first.close()
    second.close()
    (tmp_path / "two").write_bytes(b"no database at all, but long enough to be one" * 50)
    with pytest.raises(gd.ExportError, match="two"):
        Recorder(tmp_path / "two", run)


def test_the_command_refuses_what_is_no_analyser(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "greenlang.toml"
    file.write_text('[sources.a]\nkind = "cems"\nmock_mode = true\n')
    before = signal.getsignal(signal.SIGTERM)
    try:
        assert main(["record", "a", str(file)]) == 2
    finally:
        signal.signal(signal.SIGTERM, before)
    assert "only an analyser" in capsys.readouterr().err
    assert [one.name for one in tmp_path.iterdir()] == ["greenlang.toml"]
