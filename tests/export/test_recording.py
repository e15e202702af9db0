"""What is watched, to a folder: in constant memory, over lost links, and whatever kills it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import greenlang_data as gd
from greenlang_data.export import recording, stream
from tests.drivers.modbus.helpers import config, holding_word, words
from tests.peers.launch import Peer
from tests.peers.proxy import Fault, FaultProxy

ProxyFactory = Callable[[int], FaultProxy]
COLUMNS = ["tag", "timestamp", "value", "text", "quality", "status", "unit", "data_type"]
WORDS = [f"W{at}" for at in range(14000, 14010)]


@pytest.fixture
def quick_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "PART_SECONDS", 0.5)


def test_a_file_at_a_time_each_with_its_own_proof(tmp_path: Path, quick_parts: None) -> None:
    folder = tmp_path / "run"
    with gd.Session(mock=True) as s:
        stream = s.stream(["Temperature", "OperatingMode"], for_=2, every=0.1)
        assert gd.to_parquet(stream, folder) == folder
    files = sorted(folder.iterdir())
    assert len(files) >= 3
    rows = 0
    for part, file in enumerate(files):
        frame = gd.read_parquet(file)
        assert list(frame.columns) == COLUMNS
        assert gd.verify(frame) == "intact"
        record = frame.attrs["provenance"]
        assert (record["rows"], record["metadata"]["part"]) == (len(frame), part)
        assert record["quality"] == {"good": len(frame), "uncertain": 0, "bad": 0}
        rows += len(frame)
    whole = gd.read_parquet(folder)
    assert len(whole) == rows
    assert len(whole.attrs["provenance"].full["parents"]) == len(files)
    temperature = whole[whole["tag"] == "Temperature"]
    steps = temperature["timestamp"].diff().dropna()
    assert (steps == pd.Timedelta("100ms")).all()  # nothing is missing between two files
    assert whole[whole["tag"] == "OperatingMode"]["text"].notna().all()


def test_another_recording_is_added(tmp_path: Path) -> None:
    with gd.Session(mock=True) as s:
        stream = s.stream("Temperature", for_=0.3, every=0.1)
        gd.to_parquet(stream, tmp_path)
        before = {file: file.read_bytes() for file in tmp_path.iterdir()}
        gd.to_parquet(stream, tmp_path)
        assert len(list(tmp_path.iterdir())) == 2
        assert all(file.read_bytes() == content for file, content in before.items())
        with pytest.raises(gd.ExportError, match="overwrites nothing"):
            gd.to_parquet(stream, tmp_path, overwrite=True)
        with pytest.raises(gd.ExportError, match="is a file"):
            gd.to_parquet(stream, next(iter(before)))
        with pytest.raises(gd.ExportError, match="cannot make the folder"):
            gd.to_parquet(stream, tmp_path / "not" / "there")


def test_tags_that_are_not_there_leave_no_file(tmp_path: Path) -> None:
    with gd.Session(mock=True) as s, pytest.raises(gd.UnknownTagError, match="Temperature"):
        gd.to_parquet(s.stream("Temperatur"), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_stream_can_be_iterated_and_left() -> None:
    with gd.Session(mock=True) as s:
        stream = s.stream("Temperature", every=0.05)
        for _ in range(2):  # each iteration watches anew
            rows = 0
            for batch in stream:
                assert batch.schema == stream.schema
                rows += batch.num_rows
                if rows >= 3:
                    break
        reader = pa.RecordBatchReader.from_batches(stream.schema, s.stream("Temperature", for_=0.2))
        assert reader.read_all().num_rows == 1


def test_a_lost_link_is_survived(
    modbus_peer: Peer, proxy_factory: ProxyFactory, tmp_path: Path, quick_parts: None
) -> None:
    proxy = proxy_factory(modbus_peer.port)
    quick: dict[str, Any] = {"timeout_seconds": 1, "retry_min_wait": 0.05, "retry_max_wait": 0.1}
    quick |= {"retry_multiplier": 0.05, "circuit_breaker_threshold": 100}

    def break_and_mend() -> None:
        time.sleep(1)
        proxy.set_fault(Fault.REFUSE)
        proxy.reset_connections()
        time.sleep(1)
        # What was heard before is on the disk already, although nothing comes now.
        seen.append(sum(pq.read_metadata(file).num_rows for file in tmp_path.iterdir()))
        proxy.set_fault(Fault.PASS)

    seen: list[int] = []
    doing = threading.Thread(target=break_and_mend)
    with gd.Session([config(proxy.port, words(14000, 14010), **quick)]) as s:
        doing.start()
        gd.to_parquet(s.stream(WORDS, for_=4, every=0.1), tmp_path)
        doing.join()
    frame = gd.read_parquet(tmp_path)
    lost = frame[frame["status"] == "LinkLost"]
    assert sorted(lost["tag"]) == WORDS
    assert lost["value"].isna().all()
    before = frame[frame["timestamp"] <= lost["timestamp"].max()]
    assert seen == [len(before)]
    good = frame[frame["status"] != "LinkLost"]
    assert len(good) > len(before)
    for tag, rows in good.groupby("tag", observed=True):
        assert set(rows["value"]) == {holding_word(int(str(tag)[1:]))}
    records = [gd.read_parquet(file).attrs["provenance"].full for file in tmp_path.iterdir()]
    gaps = [gap for record in records for gap in record["metadata"]["gaps"]]
    assert any(gap["end"] is None for gap in gaps)  # the file that was written during the gap
    assert any(gap["end"] is not None for gap in gaps)
    assert {gap["start"] for gap in gaps} == {gaps[0]["start"]}


SCRIPT = """
import sys, warnings
import greenlang_data as gd
from greenlang_data.export import recording
recording.PART_SECONDS = 0.5
with gd.Session(mock=True) as s:
    stream = s.stream(["Temperature", "Pressure"], every=0.05)
    print("begun", flush=True)
    print(gd.to_parquet(stream, sys.argv[1]), flush=True)
"""


def start(folder: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(folder)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    until = time.monotonic() + 60
    while len(list(folder.glob("*.parquet"))) < 3:
        assert time.monotonic() < until
        time.sleep(0.05)
    return process


def test_a_killed_recorder_leaves_what_it_wrote(tmp_path: Path) -> None:
    process = start(tmp_path)
    process.kill()
    process.communicate(timeout=30)
    for file in sorted(tmp_path.glob("*.parquet")):
        frame = gd.read_parquet(file)
        assert gd.verify(frame) == "intact"
        assert len(frame) > 0
    whole = gd.read_parquet(tmp_path)
    steps = whole[whole["tag"] == "Pressure"]["timestamp"].diff().dropna()
    assert (steps == pd.Timedelta("50ms")).all()


def test_ctrl_c_ends_it_with_a_whole_last_file(tmp_path: Path) -> None:
    process = start(tmp_path)
    os.kill(process.pid, signal.SIGINT)
    out, errors = process.communicate(timeout=30)
    assert process.returncode == 0, errors
    assert out.splitlines() == ["begun", str(tmp_path)]
    assert "stopped by Ctrl-C" in errors
    last = gd.read_parquet(max(tmp_path.glob("*.parquet")))
    assert last.attrs["provenance"]["metadata"]["partial"] == "stopped by Ctrl-C"
    assert gd.verify(last) == "intact"


def test_ctrl_c_right_after_a_file_is_there_neither_loses_nor_doubles_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[Path] = []

    def interrupted(batches: Any, schema: Any, path: Path, **options: Any) -> None:
        stream.write_batches(batches, schema, path, **options)
        written.append(path)
        if len(written) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(recording, "write_batches", interrupted)
    monkeypatch.setattr(recording, "PART_SECONDS", 0.1)
    with gd.Session(mock=True) as s, pytest.warns(gd.GreenLangWarning, match="stopped by Ctrl-C"):
        gd.to_parquet(s.stream(["Temperature"], every=0.02), tmp_path)
    frames = [gd.read_parquet(file) for file in sorted(tmp_path.glob("*.parquet"))]
    assert len(frames) == 3
    assert frames[-1].attrs["provenance"]["metadata"]["partial"] == "stopped by Ctrl-C"
    times = pd.concat([frame["timestamp"] for frame in frames])
    assert len(frames[0]) > 0 < len(frames[1])
    assert times.is_unique


def test_memory_does_not_grow_with_the_rows(tmp_path: Path) -> None:
    """A source that reports texts as fast as they can be written, 320 MB in the second run."""
    script = f"""
import resource, numpy, pyarrow
import greenlang_data as gd
from greenlang_data import drivers
from greenlang_data.drivers.mock import MockDriver
from greenlang_data.drivers.schema import SNAPSHOT, TIMESTAMP, constant_dictionary, quality_array
from greenlang_data.export import recording
recording.PART_SECONDS = 0.5
TAGS = [f"T{{n}}" for n in range(5_000)]
WANTED = 0

class Fast(MockDriver):
    async def watch(self, request, log):
        n = len(request.tags)
        none, text = pyarrow.nulls(n, pyarrow.string()), pyarrow.array(["x" * 400] * n)
        for step in range(WANTED):
            values = numpy.arange(n) + step * 0.5
            yield pyarrow.RecordBatch.from_arrays([
                pyarrow.array(request.tags), pyarrow.array(request.tags), pyarrow.array(values), text,
                none, quality_array(numpy.zeros(n)), constant_dictionary("Good", n),
                pyarrow.array(numpy.full(n, step * 1_000_000_000)).cast(TIMESTAMP),
                pyarrow.nulls(n, TIMESTAMP), none, none], schema=SNAPSHOT)
        raise gd.AuthenticationError("the session has run out", source=self.source)

drivers._BUILT_IN["mock"] = ("__main__:Fast", "")
import warnings; warnings.simplefilter("ignore")
peaks = []
with gd.Session(mock=True) as s:
    for WANTED in (40, 160):
        gd.to_parquet(s.stream(TAGS), f"{tmp_path}/{{WANTED}}")
        peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
print(peaks[1] - peaks[0])
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr[-2000:]
    rows = sum(pq.read_metadata(file).num_rows for file in (tmp_path / "160").iterdir())
    assert rows == 800_000
    assert int(done.stdout) < 120  # MB; the rows are 240 MB more
