"""Reads through the cache are what the source would have said, whatever happens meanwhile."""

from __future__ import annotations

import asyncio
import errno
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest import mock

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from greenlang_data.cache.reader import CachedReader
from greenlang_data.cache.segment import Segment
from greenlang_data.cache.store import Store, plan
from greenlang_data.drivers.base import ReadLog, Window
from greenlang_data.drivers.schema import (
    TIMESTAMP,
    about_series,
    constant_dictionary,
    failed_series,
    quality_array,
    series_batch,
)
from greenlang_data.errors import ProtocolError

BEGIN = datetime(2025, 1, 1, tzinfo=UTC)
LATE = 120
TAGS = ("one", "two", "three")


class Plant:
    """A source whose samples (second, value) change as the test says."""

    def __init__(self) -> None:
        self.samples: dict[str, list[tuple[int, float]]] = {tag: [] for tag in TAGS}
        self.unit: dict[str, str] = dict.fromkeys(TAGS, "bar")
        self.gone: set[str] = set()
        self.asked: list[tuple[tuple[str, ...], int, int]] = []

    def within(self, tag: str, low: int, high: int) -> list[tuple[int, float]]:
        return [one for one in sorted(self.samples[tag]) if low <= one[0] < high]

    async def read(self, window: Window, log: ReadLog) -> AsyncIterator[pa.RecordBatch]:
        low, high = second(window.start), second(window.end)
        self.asked.append((window.tags, low, high))
        for tag in window.tags:
            if tag in self.gone:
                yield failed_series(tag, "unknown tag: gone")
                continue
            found = self.within(tag, low, high)
            for part in (found[:3], found[3:]) if len(found) > 3 else (found,):
                yield self.batch(tag, part)

    def batch(self, tag: str, samples: list[tuple[int, float]]) -> pa.RecordBatch:
        stamps = np.array([(stamp(one) * 10**9) for one, _ in samples], np.int64)
        return series_batch(
            tag,
            pa.array(stamps).cast(TIMESTAMP),
            pa.array([value for _, value in samples], pa.float64()),
            quality_array(np.zeros(len(samples), np.int8)),
            constant_dictionary("Good", len(samples)),
            unit=self.unit[tag],
        )


def second(moment: datetime) -> int:
    return int((moment - BEGIN).total_seconds())


def stamp(seconds: int) -> int:
    return int(BEGIN.timestamp()) + seconds


def read(
    plant: Plant, folder: Path, now: int, low: int, high: int, tags: tuple[str, ...] = TAGS
) -> tuple[dict[str, list[tuple[int, float]]], ReadLog]:
    """What the tags have through the cache, while the clock says ``now``."""
    store = Store(folder, "plant", "plant 1", LATE * 10**9)
    window = Window(tags, BEGIN + timedelta(seconds=low), BEGIN + timedelta(seconds=high))
    log = ReadLog()

    async def gather() -> list[pa.RecordBatch]:
        return [one async for one in CachedReader(store, plant.read, window, log).read()]

    with mock.patch("time.time", return_value=float(stamp(now))):
        batches = asyncio.run(asyncio.wait_for(gather(), 60))
    found: dict[str, list[tuple[int, float]]] = {}
    for batch in batches:
        about = about_series(batch)
        tag = str(about["tag"])
        assert about["unit"] == (None if about["failure"] else plant.unit[tag])
        times = np.asarray(batch.column("timestamp").cast(pa.int64())) // 10**9 - stamp(0)
        rows = zip(times.tolist(), batch.column("value").to_pylist(), strict=True)
        found.setdefault(tag, []).extend(rows)
    assert tuple(found) == tags
    return found, log


class Reads(RuleBasedStateMachine):
    """Samples come, come late and change; files are damaged; every read is the truth."""

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.plant, self.now, self.count = Plant(), 0, 0

    def teardown(self) -> None:
        with suppress(AttributeError):
            self.folder.cleanup()

    @rule(seconds=st.integers(0, 100))
    def time_passes(self, seconds: int) -> None:
        self.now += seconds

    @rule(tag=st.sampled_from(TAGS), ages=st.lists(st.integers(0, LATE - 2), max_size=8))
    def samples_come(self, tag: str, ages: list[int]) -> None:
        for age in ages:
            self.count += 1
            self.plant.samples[tag].append((self.now - age, float(self.count)))

    @rule(tag=st.sampled_from(TAGS))
    def the_newest_goes(self, tag: str) -> None:
        samples = self.plant.samples[tag]
        if samples and max(samples)[0] > self.now - LATE + 1:
            samples.remove(max(samples))

    @rule(tag=st.sampled_from(TAGS), unit=st.sampled_from(["bar", "mbar"]))
    def the_unit_changes(self, tag: str, unit: str) -> None:
        # Only what is read again can tell; a window that is final is as it was read.
        if not list(Path(self.folder.name).rglob("*.parquet")):
            self.plant.unit[tag] = unit

    @rule(place=st.integers(0, 10**6), share=st.floats(0, 1), cut=st.booleans())
    def a_file_is_damaged(self, place: int, share: float, cut: bool) -> None:
        files = sorted(Path(self.folder.name).rglob("*.parquet"))
        if not files:
            return
        file = files[place % len(files)]
        content = bytearray(file.read_bytes() or b" ")
        spot = int(share * (len(content) - 1))
        content[spot] ^= 1 + place % 255
        file.write_bytes(content[:spot] if cut else content)

    @rule(age=st.integers(0, 300), length=st.integers(1, 400),
          tags=st.sampled_from([TAGS, TAGS[::-1], TAGS[1:], TAGS[:1]]))  # fmt: skip
    def a_read_is_the_truth(self, age: int, length: int, tags: tuple[str, ...]) -> None:
        low, high = self.now - age, self.now - age + length
        found, _ = read(self.plant, Path(self.folder.name), self.now, low, high, tags)
        for tag in tags:
            assert sorted(found[tag]) == self.plant.within(tag, low, high)
            assert [one for one, _ in found[tag]] == sorted(one for one, _ in found[tag])


TestReads = Reads.TestCase
TestReads.settings = settings(
    max_examples=30,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


def filled(seconds: int = 1000) -> Plant:
    plant = Plant()
    for tag in TAGS:
        plant.samples[tag] = [(one, one * 0.5) for one in range(0, seconds, 10)]
    return plant


def test_what_is_final_is_not_asked_again(tmp_path: Path) -> None:
    plant = filled()
    read(plant, tmp_path, 2000, 0, 1000)
    assert plant.asked == [(TAGS, 0, 1000)]
    _, log = read(plant, tmp_path, 3000, 100, 900)
    assert plant.asked == [(TAGS, 0, 1000)]
    assert log.notes == [
        "240 samples are from the cache, read at 2025-01-01T00:33:20+00:00 or later"
    ]


def test_only_what_is_new_or_may_change_is_asked_for(tmp_path: Path) -> None:
    plant = filled()
    read(plant, tmp_path, 1000, 0, 1000)
    read(plant, tmp_path, 2000, -50, 1500)
    assert plant.asked[1:] == [(TAGS, -50, 0), (TAGS, 1000 - LATE, 1500)]


def test_late_data_are_told_and_taken(tmp_path: Path) -> None:
    plant = filled()
    read(plant, tmp_path, 1000, 0, 1000)
    plant.samples["two"] += [(905, -1.0), (985, -2.0)]
    plant.samples["three"].remove((950, 475.0))
    found, log = read(plant, tmp_path, 1100, 0, 1000)
    assert (905, -1.0) in found["two"]
    assert (950, 475.0) not in found["three"]
    told = [note for note in log.notes if "late data" in note]
    assert told == [
        "two: late data: 8 samples became 10 since they were read at 2025-01-01T00:16:40+00:00",
        "three: late data: 1 samples became 0 since they were read at 2025-01-01T00:16:40+00:00",
    ]


def test_a_damaged_file_is_read_anew_and_said(tmp_path: Path) -> None:
    plant = filled()
    read(plant, tmp_path, 5000, 0, 1000)
    (file,) = tmp_path.rglob("*/one-*/*.parquet")
    content = bytearray(file.read_bytes())
    content[40] ^= 1
    file.write_bytes(content)
    found, log = read(plant, tmp_path, 5000, 0, 1000)
    assert found["one"] == plant.within("one", 0, 1000)
    assert plant.asked[1:] == [(("one",), 0, 1000)]
    assert log.notes[0].startswith("one: a file of the cache was not used and removed")


def test_a_pipe_in_place_of_a_file_is_not_waited_for(tmp_path: Path) -> None:
    plant = filled()
    read(plant, tmp_path, 5000, 0, 1000)
    (file,) = tmp_path.rglob("*/one-*/*.parquet")
    file.unlink()
    os.mkfifo(file)
    found, log = read(plant, tmp_path, 5000, 0, 1000)
    assert found["one"] == plant.within("one", 0, 1000)
    assert log.notes[0] == "one: a file of the cache was not used and removed (it is no file)"


def test_a_file_of_another_tag_in_its_place_is_not_used(tmp_path: Path) -> None:
    plant = filled()
    plant.samples["two"] = [(one, -1.0) for one, _ in plant.samples["two"]]
    read(plant, tmp_path, 5000, 0, 1000)
    (one,), (two,) = (list(tmp_path.rglob(f"*/{tag}-*/*.parquet")) for tag in ("one", "two"))
    one.unlink()
    (one.parent / two.name).write_bytes(two.read_bytes())
    found, log = read(plant, tmp_path, 5000, 0, 1000)
    assert found["one"] == plant.within("one", 0, 1000)
    assert "of another source, tag or window" in log.notes[0]


def test_a_file_whose_samples_were_changed_is_not_used(tmp_path: Path) -> None:
    plant = filled()
    read(plant, tmp_path, 5000, 0, 1000)
    (file,) = tmp_path.rglob("*/one-*/*.parquet")
    with pq.ParquetFile(file) as opened:
        table, metadata = opened.read(), opened.metadata.metadata
    values = pc.add(table.column("value"), 1.0)
    table = table.set_column(1, "value", values)
    with pq.ParquetWriter(file, table.schema) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata({k: v for k, v in metadata.items() if b"greenlang" in k})
    found, log = read(plant, tmp_path, 5000, 0, 1000)
    assert found["one"] == plant.within("one", 0, 1000)
    assert "its bytes are not what was written" in log.notes[0]


def test_a_clock_that_was_set_back_trusts_no_file_from_the_future(tmp_path: Path) -> None:
    plant = filled()
    read(plant, tmp_path, 5000, 0, 1000)
    plant.samples["one"].append((7, 1.0))
    found, _ = read(plant, tmp_path, 4000, 0, 1000)
    assert (7, 1.0) in found["one"]
    assert len(plant.asked) == 2


def test_another_unit_is_never_mixed_with_what_was_kept(tmp_path: Path) -> None:
    plant = filled()
    read(plant, tmp_path, 1000, 0, 1000)
    plant.unit["two"] = "mbar"
    found, log = read(plant, tmp_path, 2000, 0, 1500)
    assert found["two"] == plant.within("two", 0, 1500)
    assert log.notes[0].startswith("two: its unit or type is not what it was")


def test_a_tag_that_is_gone_is_a_failure_with_no_samples(tmp_path: Path) -> None:
    plant = filled()
    read(plant, tmp_path, 1000, 0, 1000)
    plant.gone = {"two"}
    found, _ = read(plant, tmp_path, 2000, 0, 1500)
    assert (found["two"], len(found["one"]), len(found["three"])) == ([], 100, 100)


@pytest.mark.parametrize("answered", [TAGS[:2], TAGS[::-1]], ids=["too few", "out of turn"])
def test_a_driver_that_leaves_a_tag_out_is_told(tmp_path: Path, answered: tuple[str, ...]) -> None:
    plant = filled()
    honest = plant.read

    def short(window: Window, log: ReadLog) -> AsyncIterator[pa.RecordBatch]:
        return honest(replace(window, tags=answered), log)

    plant.read = short  # type: ignore[method-assign]  # the driver's fault
    with pytest.raises(ProtocolError, match="holds no samples of tag"):
        read(plant, tmp_path, 5000, 0, 1000)


def test_files_that_say_nothing_any_more_are_removed(tmp_path: Path) -> None:
    plant = filled()
    for now in range(1000, 1600, 60):
        read(plant, tmp_path, now, 0, now, ("one",))
    assert len(list(tmp_path.rglob("*.parquet"))) <= 12
    read(plant, tmp_path, 9000, -10, 5000, ("one",))
    read(plant, tmp_path, 9000, -20, 5000, ("one",))
    assert not list(tmp_path.rglob("*.tmp"))


def test_a_folder_that_cannot_be_written_loses_no_sample(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    plant = filled()
    found, log = read(plant, blocked, 5000, 0, 1000)
    assert found["one"] == plant.within("one", 0, 1000)
    assert log.notes == ["not kept in the cache: Not a directory"]


def test_a_full_disk_loses_no_sample_and_leaves_no_file(tmp_path: Path) -> None:
    plant = filled()
    full = mock.patch("pyarrow.parquet.ParquetWriter", side_effect=_full_after_opening)
    with full:
        found, log = read(plant, tmp_path, 5000, 0, 1000, ("one",))
    assert found["one"] == plant.within("one", 0, 1000)
    assert log.notes == ["not kept in the cache: No space left on device"]
    assert not [one for one in tmp_path.rglob("*") if one.is_file()]


def _full_after_opening(path: Path, *_: object, **__: object) -> None:
    path.write_bytes(b"")
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_file_that_another_process_has_removed_is_read_anew(tmp_path: Path) -> None:
    plant = filled()
    read(plant, tmp_path, 5000, 0, 1000)
    (file,) = tmp_path.rglob("*/one-*/*.parquet")
    listed = Store.segments

    def segments(store: Store, tag: str, now: int) -> list[Segment]:
        found = listed(store, tag, now)
        file.unlink(missing_ok=True)
        return found

    with mock.patch.object(Store, "segments", segments):
        found, log = read(plant, tmp_path, 5000, 0, 1000, ("one",))
    assert found["one"] == plant.within("one", 0, 1000)
    assert log.notes == []


def test_an_unfinished_read_leaves_no_file(tmp_path: Path) -> None:
    plant, store = filled(), Store(tmp_path, "plant", "plant 1", LATE * 10**9)
    window = Window(TAGS, BEGIN, BEGIN + timedelta(seconds=1000))

    async def begin() -> None:
        batches = CachedReader(store, plant.read, window, ReadLog()).read()
        await anext(batches)
        await batches.aclose()

    asyncio.run(begin())
    assert not [one for one in tmp_path.rglob("*") if one.is_file()]


def test_many_gaps_become_one() -> None:
    kept = [Segment(Path(), at, at + 10, 10**6, "") for at in (100, 200, 300)]
    assert [tuple(one[:2]) for one in plan(90, 310, kept, 0)] == [(90, 300), (300, 310)]
    assert [one.segment is None for one in plan(90, 310, kept, 0)] == [True, False]
    assert [tuple(one[:2]) for one in plan(90, 120, kept, 0)] == [(90, 100), (100, 110), (110, 120)]
