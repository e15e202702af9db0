"""``s.scada(tags, for_=, every=)``: what was heard, and nothing else."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import greenlang_data as gd
from greenlang_data.settings.register import Register
from tests.drivers.modbus.helpers import config as modbus_config
from tests.drivers.modbus.helpers import holding_word, words
from tests.drivers.opcua.helpers import config as opcua_config
from tests.peers.launch import OpcuaPeer, Peer
from tests.peers.proxy import Fault, FaultProxy

ProxyFactory = Callable[[int], FaultProxy]
QUICK: dict[str, Any] = {
    "timeout_seconds": 1,
    "retry_min_wait": 0.05,
    "retry_multiplier": 0.05,
    "retry_max_wait": 0.1,
    "circuit_breaker_threshold": 100,
}
WORDS = [f"W{at}" for at in range(14000, 14010)]


def script(*steps: tuple[float, Callable[[], object]]) -> threading.Thread:
    """Do things some seconds from now, in another thread."""

    def run() -> None:
        for wait, step in steps:
            time.sleep(wait)
            step()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def details(frame: pd.DataFrame) -> dict[str, Any]:
    """What the provenance says about the recording."""
    metadata: dict[str, Any] = frame.attrs["provenance"].full["metadata"]
    return metadata


@pytest.fixture
def registers() -> list[Register]:
    return words(14000, 14010)


@pytest.fixture
def proxy(modbus_peer: Peer, proxy_factory: ProxyFactory) -> FaultProxy:
    return proxy_factory(modbus_peer.port)


@pytest.fixture
def plant(proxy: FaultProxy, registers: list[Register]) -> Iterator[gd.Session]:
    with gd.Session([modbus_config(proxy.port, registers, **QUICK)]) as s:
        yield s


# --- the simulated plant -----------------------------------------------------------------


def test_it_records_as_long_as_told() -> None:
    with gd.Session(mock=True) as s:
        began = time.monotonic()
        frame = s.scada(["Temperature", "Pump1.Running", "OperatingMode"], for_="1s", every="200ms")
        spent = time.monotonic() - began
    assert 0.9 < spent < 5
    assert frame.index.name == "timestamp"
    steps = frame.index[1:] - frame.index[:-1]
    assert (steps == pd.Timedelta("200ms")).all()
    assert 3 <= len(frame) <= 5
    assert [str(dtype) for dtype in frame.dtypes] == ["float64", "boolean", "str"]
    assert frame.notna().all(axis=None)
    record = frame.attrs["provenance"]
    assert record["query"] == {
        "tag_ids": ["Temperature", "Pump1.Running", "OperatingMode"],
        "for_seconds": 1.0,
        "every_seconds": 0.2,
    }
    assert (record["units"]["Temperature"], record["mode"]) == ("Cel", "mock")
    assert pd.Timestamp(record["end"]) - pd.Timestamp(record["start"]) < pd.Timedelta("5s")
    assert (details(frame)["partial"], details(frame)["gaps"]) == (None, [])
    assert gd.verify(frame) == "intact"


def test_the_same_values_at_any_time_and_in_both_shapes() -> None:
    with gd.Session(mock=True) as s:
        wide = s.scada(gd.WatchQuery(tag_ids=["Pressure"], for_seconds=0.5, every_seconds=0.1))
        long = s.scada("Pressure", for_=0.5, every=0.1, shape="long")
    rows = min(len(wide), len(long))
    assert rows >= 2
    assert list(long.columns) == ["tag", "timestamp", "value", "quality", "status", "unit"]
    assert wide["Pressure"].tolist()[:rows] == long["value"].tolist()[:rows]
    assert wide.index.tolist()[:rows] == long["timestamp"].tolist()[:rows]


def test_the_step_is_the_polling_interval_unless_given() -> None:
    with gd.Session(mock=True) as s:
        s.sources["scada"].polling_interval_ms = 150
        frame = s.scada("Pressure", for_=1)
    assert details(frame)["every_seconds"] == 0.15
    assert (frame.index[1:] - frame.index[:-1] == pd.Timedelta("150ms")).all()


def test_tags_that_are_not_there() -> None:
    with gd.Session(mock=True) as s:
        began = time.monotonic()
        with pytest.raises(gd.UnknownTagError, match="did you mean 'Pressure'") as caught:
            s.scada(["Presure", "Temperature"], for_="1h")
        assert time.monotonic() - began < 10
        assert list(caught.value.failures) == ["Presure"]
        frame = s.scada(["Presure", "Temperature"], for_=0.5, every=0.1, errors="report")
    assert frame["Presure"].isna().all()
    assert frame["Temperature"].notna().any()
    assert list(frame.attrs["provenance"]["failures"]) == ["Presure"]


@pytest.mark.parametrize(
    ("call", "says"),
    [
        ({"every": 1}, "a recording needs an end.*for_="),
        ({"for_": 1, "start": "2025-01-01"}, "start= and a recording"),
        ({"for_": 1, "interval": "1s", "aggregation": "avg"}, "aggregation= and a recording"),
        ({"for_": 1, "timeout": 3}, "timeout= and a recording"),
        ({"for_": "soon"}, "'soon' is not an interval"),
        ({"for_": 1, "every": 0.001}, "every: .*0.01"),
        ({"for_": 1, "shape": "round"}, "shape is 'round'"),
        ({"for_": 1, "errors": "hide"}, "errors is 'hide'"),
        ({"for_": 1, "source": "erp"}, "no scada source"),
    ],
)
def test_calls_that_mean_nothing(call: dict[str, Any], says: str) -> None:
    with gd.Session(mock=True) as s, pytest.raises(gd.QueryError, match=says):
        s.scada("Pressure", **call)


def test_more_often_than_the_source_allows() -> None:
    with gd.Session(mock=True) as s:
        s.sources["scada"].max_requests_per_second = 3
        with pytest.raises(gd.QueryError, match="more often than max_requests_per_second"):
            s.scada("Pressure", for_=1, every=0.2)
        assert len(s.scada("Pressure", for_=0.5, every=1 / 3)) >= 1


# --- a line that breaks ------------------------------------------------------------------


def check_gap(frame: pd.DataFrame, tags: list[str]) -> dict[str, str]:
    """One gap, marked for each tag, told in the provenance; the rest is good. Gives the gap."""
    lost = frame[frame["status"] == "LinkLost"]
    assert sorted(lost["tag"]) == sorted(tags)
    assert lost["value"].isna().all()
    assert set(lost["quality"]) == {"bad"}
    others = frame[frame["status"] != "LinkLost"]
    assert set(others["quality"]) == {"good"}
    assert others["value"].notna().all()
    (gap,) = details(frame)["gaps"]
    assert (lost["timestamp"] >= pd.Timestamp(gap["start"])).all()
    record = frame.attrs["provenance"]
    assert record["quality"]["bad"] == len(tags)
    assert any("1 gaps, marked by rows of status LinkLost" in note for note in record["notes"])
    assert gd.verify(frame) == "intact"
    found: dict[str, str] = gap
    return found


def test_modbus_cut_and_back(plant: gd.Session, proxy: FaultProxy) -> None:
    doing = script(
        (1, lambda: proxy.set_fault(Fault.RESET)),
        (0.5, lambda: proxy.set_fault(Fault.REFUSE)),
        (0.5, lambda: proxy.set_fault(Fault.PASS)),
    )
    frame = plant.scada(WORDS, for_=4, every=0.1, shape="long")
    doing.join()
    gap = check_gap(frame, WORDS)
    start, end = pd.Timestamp(gap["start"]), pd.Timestamp(gap["end"])
    assert pd.Timedelta("0.5s") < end - start < pd.Timedelta("3s")
    good = frame[frame["status"] != "LinkLost"]
    # Nothing was made up for the time of the gap, and all that was read is right.
    during = good[(good["timestamp"] > start) & (good["timestamp"] < end - pd.Timedelta("0.1s"))]
    assert len(during) == 0
    assert good["timestamp"].min() < start < end <= good["timestamp"].max()
    for tag, rows in good.groupby("tag", observed=True):
        assert set(rows["value"]) == {holding_word(int(str(tag)[1:]))}
        assert rows["timestamp"].is_monotonic_increasing
    assert details(frame)["partial"] is None


def test_modbus_gone_for_good(plant: gd.Session, proxy: FaultProxy) -> None:
    doing = script((0.7, lambda: proxy.set_fault(Fault.REFUSE)), (0, proxy.reset_connections))
    frame = plant.scada(WORDS, for_=2, every=0.1, shape="long")
    doing.join()
    gap = check_gap(frame, WORDS)
    assert gap["end"] is None
    # The reason is the failure that was met, and each tag ends with the mark.
    assert "clos" in gap["reason"] or "reset" in gap["reason"]
    assert set(frame.groupby("tag", observed=True)["status"].last()) == {"LinkLost"}
    assert details(frame)["partial"] is None


def test_modbus_silent(plant: gd.Session, proxy: FaultProxy) -> None:
    doing = script(
        (0.7, lambda: proxy.set_fault(Fault.HOLD_ANSWERS)),
        (1.5, lambda: proxy.set_fault(Fault.PASS)),
    )
    frame = plant.scada(WORDS, for_=6, every=0.1, shape="long")
    doing.join()
    gap = check_gap(frame, WORDS)
    assert gap["end"] is not None
    assert "heard" in gap["reason"] or "answer" in gap["reason"]


def test_a_source_that_is_not_there_at_first(plant: gd.Session, proxy: FaultProxy) -> None:
    proxy.set_fault(Fault.REFUSE)
    with pytest.raises(gd.SourceUnreachable, match="cannot connect"):
        plant.scada(WORDS, for_=60)


def test_an_open_breaker_is_waited_for(plant: gd.Session, proxy: FaultProxy) -> None:
    settings = plant.sources["plant"]
    settings.circuit_breaker_threshold = 2
    settings.circuit_breaker_timeout = 1
    doing = script(
        (0.5, lambda: proxy.set_fault(Fault.REFUSE)),
        (0, proxy.reset_connections),
        (1.5, lambda: proxy.set_fault(Fault.PASS)),
    )
    frame = plant.scada(WORDS, for_=6, every=0.1, shape="long")
    doing.join()
    assert check_gap(frame, WORDS)["end"] is not None
    assert plant.status()["breaker_opens"].tolist()[0] >= 1


def test_opcua_cut_and_back(opcua_peer: OpcuaPeer, proxy_factory: ProxyFactory) -> None:
    peer = opcua_peer
    proxy = proxy_factory(peer.port)
    endpoint = peer.endpoint.replace(f":{peer.port}/", f":{proxy.port}/")
    tags = [peer.node("Live.Counter"), peer.node("Bulk.00001")]
    with gd.Session([opcua_config(endpoint, **(QUICK | {"timeout_seconds": 3}))]) as s:
        s.scada(tags)
        doing = script(
            (1.5, lambda: proxy.set_fault(Fault.REFUSE)),
            (0, proxy.reset_connections),
            (1, lambda: proxy.set_fault(Fault.PASS)),
        )
        frame = s.scada(tags, for_=6, every=0.1, shape="long")
        doing.join()
    gap = check_gap(frame, tags)
    end = pd.Timestamp(gap["end"])
    counter = frame[(frame["tag"] == tags[0]) & (frame["status"] != "LinkLost")]
    assert counter["value"].is_monotonic_increasing
    assert counter["timestamp"].is_unique  # a sample that was read twice stands there once
    assert counter["timestamp"].min() < pd.Timestamp(gap["start"])
    assert len(counter[counter["timestamp"] > end]) > 3
    # The other one never changes, and the server says after the gap that it still holds.
    constant = frame[frame["tag"] == tags[1]]
    assert constant["status"].tolist()[1] == "LinkLost"
    assert constant["value"].dropna().tolist() == [0.75, 0.75]
    assert constant["timestamp"].tolist()[2] >= end


# --- ended before its time ---------------------------------------------------------------


def test_settings_changed_on_the_way(plant: gd.Session) -> None:
    doing = script((0.6, lambda: setattr(plant.sources["plant"], "unit_id", 2)))
    with pytest.warns(gd.GreenLangWarning, match="settings of the source were changed"):
        frame = plant.scada(WORDS, for_=30, every=0.1)
    doing.join()
    assert "settings" in details(frame)["partial"]
    assert any(note.startswith("partial: ") for note in frame.attrs["provenance"]["notes"])
    assert len(frame) > 1


def test_more_rows_than_the_source_allows(plant: gd.Session) -> None:
    plant.sources["plant"].max_points = 25
    with pytest.warns(gd.GreenLangWarning, match="points have arrived"):
        frame = plant.scada(WORDS, for_=30, every=0.1)
    assert len(frame) == 3
    assert "limit is 25" in details(frame)["partial"]


def test_a_session_that_is_closed_meanwhile(plant: gd.Session) -> None:
    doing = script((0.6, plant.close))
    with pytest.warns(gd.GreenLangWarning, match="closed in this process"):
        frame = plant.scada(WORDS, for_=30, every=0.1)
    doing.join()
    assert len(frame) > 1
    with pytest.raises(gd.SessionClosedError):
        plant.scada(WORDS, for_=1)


def test_other_reads_go_on_meanwhile(plant: gd.Session) -> None:
    plant.sources["plant"].connection_pool_size = 1
    frames: list[pd.DataFrame] = []
    doing = script((0.5, lambda: frames.append(plant.scada(WORDS))))
    frame = plant.scada(WORDS, for_=1.5, every=1)
    doing.join()
    assert frames[0]["quality"].tolist() == ["good"] * 10
    assert len(frame) == 2


INTERRUPTED = """
import os, signal, threading, time, warnings
import greenlang_data as gd
warnings.simplefilter("always")
s = gd.Session(mock=True)
threading.Timer({after}, os.kill, (os.getpid(), signal.SIGINT)).start()
began = time.monotonic()
frame = s.scada(["Temperature", "Pressure"], for_="1h", every="100ms")
record = frame.attrs["provenance"]
print(len(frame) >= 5, time.monotonic() - began < 10, record["metadata"]["partial"])
print(gd.verify(frame), record["rows"] == len(frame), len(s.scada("Temperature")))
"""


def test_ctrl_c_in_a_script_gives_what_was_heard() -> None:
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED.format(after=4)],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stdout.splitlines() == ["True True stopped by Ctrl-C", "intact True 1"]
    assert "stopped by Ctrl-C; the frame holds the" in done.stderr
    assert "Traceback" not in done.stderr
    # Nobody looks at a pipe, so no progress is written to it.
    assert "\r" not in done.stderr


def test_ctrl_c_before_the_first_answer_is_an_interrupt(silent_peer: int) -> None:
    code = f"""
import os, signal, threading
import greenlang_data as gd
s = gd.Session([gd.SCADAConfig(connector_id="plant", connector_type="scada", protocol="modbus",
    endpoint="127.0.0.1:{silent_peer}",
    registers=[dict(tag="a", table="holding", address=0, type="uint16")])])
threading.Timer(3, os.kill, (os.getpid(), signal.SIGINT)).start()
s.scada("a", for_="1h")
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stderr.rstrip().endswith("KeyboardInterrupt")


@pytest.fixture
def silent_peer() -> Iterator[int]:
    """A port that takes connections and never answers."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_what_the_manual_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    manual = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
    section = manual[manual.index("## Finding tags") : manual.index("## Errors, and")]
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"gd": gd}
    exec("\n".join(re.findall(r"```python\n(.*?)```", section, re.DOTALL)), names)
    assert 2 <= len(names["frame"]) <= 4
    assert len(gd.read_parquet("recording")) >= 4
    names["s"].close()
