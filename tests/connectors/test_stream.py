"""Streaming a window: exactly once, whatever breaks between two batches."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenlang_data.connectors.stream import WindowStream
from greenlang_data.drivers.base import Window
from greenlang_data.drivers.schema import (
    TIMESTAMP,
    about_series,
    constant_dictionary,
    failed_series,
    quality_array,
    series_batch,
)
from greenlang_data.errors import ProtocolError

MICROSECOND = 1000  # nanoseconds
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Batches = AsyncIterator[pa.RecordBatch]


def batch(tag: str, moments: list[int], first: int = 0) -> pa.RecordBatch:
    rows = len(moments)
    return series_batch(
        tag,
        pa.array(moments, pa.int64()).cast(TIMESTAMP),
        pa.array([float(first + place) for place in range(rows)], pa.float64()),
        quality_array(np.zeros(rows, np.int8)),
        constant_dictionary("Good", rows),
    )


class Historian:
    """Answers windows over stored samples in pages, and breaks after chosen numbers of pages."""

    def __init__(self, stored: dict[str, list[int]], page: int, breaks: list[int]) -> None:
        self.stored = stored
        self.page = page
        self.breaks = breaks
        self.windows: list[Window] = []

    async def read(self, window: Window) -> Batches:
        self.windows.append(window)
        pages_left = self.breaks.pop(0) if self.breaks else None
        from_here = (window.start - EPOCH).total_seconds() * 1_000_000_000
        for tag in window.tags:
            moments = self.stored[tag]
            known = [(place, at) for place, at in enumerate(moments) if at >= from_here]
            for start in range(0, max(len(known), 1), self.page):
                if pages_left == 0:
                    raise ConnectionError("the wire broke")
                part = known[start : start + self.page]
                first = part[0][0] if part else 0
                yield batch(tag, [at for _, at in part], first)
                pages_left = None if pages_left is None else pages_left - 1


async def with_retry(
    attempt: Callable[[], Awaitable[pa.RecordBatch | None]],
) -> pa.RecordBatch | None:
    for _ in range(50):
        try:
            return await attempt()
        except ConnectionError:
            continue
    raise AssertionError("50 attempts did not get one batch")


def window(*tags: str) -> Window:
    return Window(tags, EPOCH, datetime(1971, 1, 1, tzinfo=UTC))


def collect(historian: Historian, *tags: str) -> dict[str, list[tuple[int, float]]]:
    found: dict[str, list[tuple[int, float]]] = {}

    async def go() -> None:
        async for one in WindowStream(window(*tags), historian.read, with_retry, "test"):
            rows = found.setdefault(str(about_series(one)["tag"]), [])
            moments = one.column("timestamp").cast(pa.int64()).to_pylist()
            rows += zip(moments, one.column("value").to_pylist(), strict=True)

    asyncio.run(go())
    return found


# Few distinct moments, some within one microsecond of each other, many of them equal.
MOMENTS = st.lists(
    st.integers(0, 8).map(lambda n: (n // 3) * MICROSECOND + n % 3), max_size=25
).map(sorted)


@given(
    st.lists(MOMENTS, min_size=1, max_size=3),
    st.integers(1, 6),
    st.lists(st.integers(0, 5), max_size=8),
)
def test_every_sample_comes_exactly_once_and_in_order(
    stored: list[list[int]], page: int, breaks: list[int]
) -> None:
    tags = [f"tag{place}" for place in range(len(stored))]
    historian = Historian(dict(zip(tags, stored, strict=True)), page, breaks)
    found = collect(historian, *tags)
    assert list(found) == tags
    for tag, moments in zip(tags, stored, strict=True):
        assert found[tag] == [(at, float(place)) for place, at in enumerate(moments)]


def test_a_retry_asks_only_for_the_rest() -> None:
    seconds = [n * 1_000_000_000 for n in range(10)]
    historian = Historian({"a": seconds, "b": seconds}, page=4, breaks=[2])
    collect(historian, "a", "b")
    assert [one.tags for one in historian.windows] == [("a", "b"), ("a",), ("b",)]
    assert historian.windows[1].start == datetime(1970, 1, 1, 0, 0, 7, tzinfo=UTC)


def test_an_answer_that_lacks_a_tag_or_holds_another_is_refused() -> None:
    class Short(Historian):
        async def read(self, window: Window) -> Batches:
            yield batch(window.tags[0], [1])

    class Other(Historian):
        async def read(self, window: Window) -> Batches:
            yield batch("stranger", [1])

    with pytest.raises(ProtocolError, match="ended before"):
        collect(Short({}, 1, []), "a", "b")
    with pytest.raises(ProtocolError, match="out of turn"):
        collect(Other({}, 1, []), "a")


def test_a_tag_that_cannot_be_read_passes_as_an_empty_batch_with_its_reason() -> None:
    class Failing(Historian):
        async def read(self, window: Window) -> Batches:
            yield failed_series("a", "no such tag")
            yield batch("b", [1])

    reasons = []

    async def go() -> None:
        stream = WindowStream(window("a", "b"), Failing({}, 1, []).read, with_retry, "test")
        reasons.extend([about_series(one)["failure"] async for one in stream])

    asyncio.run(go())
    assert reasons == ["no such tag", None]


def test_an_interrupted_read_closes_the_driver_s_generator() -> None:
    closed = []

    class Slow(Historian):
        async def read(self, window: Window) -> Batches:
            try:
                yield batch("a", [1])
                await asyncio.sleep(60)
            finally:
                closed.append(True)

    async def go() -> None:
        stream = WindowStream(window("a"), Slow({}, 1, []).read, with_retry, "test")
        async with asyncio.timeout(0.1):
            async for _ in stream:
                pass

    with pytest.raises(TimeoutError):
        asyncio.run(go())
    assert closed == [True]
