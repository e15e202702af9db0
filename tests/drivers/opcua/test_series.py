"""Paging: every sample once, in order, whatever the server does."""

from __future__ import annotations

import asyncio
import struct
from typing import Any

import pytest
from asyncua.ua.status_codes import StatusCodes
from hypothesis import given, settings
from hypothesis import strategies as st

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.opcua.binary import MalformedAnswerError, Reader
from greenlang_data.drivers.opcua.faults import ServiceFaultError
from greenlang_data.drivers.opcua.series import RawSeries, UnreadableError
from tests.drivers.opcua.encoder import (
    EPOCH_TICKS,
    Value,
    array_of,
    history_fault,
    history_result,
    number,
)
from tests.drivers.opcua.historian import Historian

STYLES = ["points", "one point", "total", "cap", "forgetful"]


def ticks(second: int) -> int:
    return EPOCH_TICKS + second * 10**7


def read(
    historian: Any,
    start: int = 0,
    end: int = 10_000,
    page: int = 50_000,
    log: ReadLog | None = None,
) -> list[int]:
    """The values of all samples with ``start <= second < end``, in the order they came."""

    async def main() -> list[int]:
        historian.limits.shrink("page", page)
        one = RawSeries(historian, b"\x00\x01", start * 10**9, end * 10**9, log or ReadLog())
        found: list[int] = []
        async for columns in one.pages(None, 0):
            assert columns.valid.all()
            found += columns.numbers.astype(int).tolist()
        return found

    return asyncio.run(main())


@settings(max_examples=400, deadline=None)
@given(
    gaps=st.lists(st.sampled_from([0, 0, 0, 1, 5]), max_size=120),
    style=st.sampled_from(STYLES),
    page=st.integers(1, 40),
    end_included=st.booleans(),
    too_large_beyond=st.sampled_from([1, 3, 10**9]),
    too_large_as_fault=st.booleans(),
)
def test_every_sample_comes_once_and_in_order(
    gaps: list[int],
    style: str,
    page: int,
    end_included: bool,
    too_large_beyond: int,
    too_large_as_fault: bool,
) -> None:
    second, times = 0, []
    for gap in gaps:
        second += gap
        times.append(ticks(second))
    if style == "total" or style == "cap":
        # Such a server can never give more than a page of one time, so pages have to grow.
        too_large_beyond = 10**9
    historian = Historian(
        times,
        style,
        end_included=end_included,
        too_large_beyond=too_large_beyond,
        too_large_as_fault=too_large_as_fault,
    )
    longest = max((times.count(time) for time in times), default=0)
    if style == "forgetful" or too_large_beyond < 10**9:
        # Where asking anew is the only way on, a page must hold more than one time's samples.
        page = max(page, longest + 1)
        historian.too_large_beyond = max(too_large_beyond, longest + 1)
    expected = [i for i, time in enumerate(times) if ticks(1) <= time < ticks(60)]
    assert read(historian, 1, 60, page) == expected


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("rows", [0, 1, 99, 100, 999, 1000, 1001, 2000])
def test_ends_near_the_page_s_length(style: str, rows: int) -> None:
    historian = Historian([ticks(index) for index in range(rows)], style, most=1000)
    assert read(historian, page=1000) == list(range(rows))
    assert not historian.open


def test_a_silent_cap_below_the_page_size_is_found() -> None:
    historian = Historian([ticks(index // 3) for index in range(8_600)], "cap", most=1000)
    assert read(historian) == list(range(8_600))


def test_a_burst_longer_than_the_page_makes_it_grow() -> None:
    times = [ticks(1)] * 3 + [ticks(2)] * 5000 + [ticks(3)] * 2
    assert read(Historian(times, "total"), page=100) == list(range(5005))


def test_pages_too_large_are_halved_and_remembered() -> None:
    historian = Historian([ticks(index) for index in range(5000)], too_large_beyond=700)
    assert read(historian) == list(range(5000))
    assert historian.limits["page"] <= 700


def test_leaving_early_releases_the_point() -> None:
    historian = Historian([ticks(index) for index in range(500)])

    async def main() -> None:
        historian.limits.shrink("page", 100)
        one = RawSeries(historian, b"\x00\x01", 0, 10**12, ReadLog())  # type: ignore[arg-type]
        parts = one.pages(None, 0)
        await anext(parts)
        await parts.aclose()
        # The page that was under way is let go once it is there.
        await asyncio.sleep(0.01)
        assert historian.open == {}

    asyncio.run(main())


def test_server_times_stand_in_where_the_source_gives_none() -> None:
    log = ReadLog()
    historian = Historian([ticks(index) for index in range(300)], source_times=False)
    assert read(historian, page=100, log=log) == list(range(300))
    assert any("server's time stamps stand in" in note for note in log.notes)


class Script(Historian):
    """Answers one result after the other, and the last one for ever."""

    def __init__(self, *results: bytes | int) -> None:
        super().__init__([])
        self.results = list(results)

    async def ask(self, service: int, body: bytes, log: ReadLog) -> Reader:
        self.requests += 1
        result = self.results.pop(0) if len(self.results) > 1 else self.results[0]
        if isinstance(result, int):
            raise ServiceFaultError(result)
        return Reader(array_of([result]))


def sample(second: int | None, index: int = 0) -> Value:
    return Value(number(6, index), source=None if second is None else ticks(second))


def test_samples_without_any_time_are_left_out_and_counted() -> None:
    log = ReadLog()
    page = history_result([sample(1, 1), sample(None, 2), sample(3, 3)])
    assert read(Script(page), log=log) == [1, 3]
    assert "1 samples without any time were left out" in log.notes


@pytest.mark.parametrize(
    "results",
    [
        [history_result([], b"again")],
        [history_result([sample(1)], b"p"), history_result([], b"p")],
        [history_result([sample(2), sample(1)])],
        [history_result([sample(1), sample(2)], b"p"), history_result([sample(1)], b"p")],
        [history_result([sample(1)], b"p"), history_fault(StatusCodes.BadContinuationPointInvalid)],
        [struct.pack("<I", 0) + struct.pack("<i", -1) + b"\x01\x00\x07\x00\x01\x00\x00\x00\x00"],
        [history_result([sample(1)])[:-3]],
    ],
    ids=["endless empty", "empty in the middle", "disordered", "back in time", "no way on",
         "no history data", "cut"],
)  # fmt: skip
def test_answers_that_contradict_themselves_are_refused(results: list[bytes]) -> None:
    script = Script(*results)
    with pytest.raises((MalformedAnswerError, ServiceFaultError)):
        read(script)
    assert script.requests < 200


def test_a_history_that_cannot_be_read_says_why() -> None:
    with pytest.raises(UnreadableError) as caught:
        read(Script(history_fault(StatusCodes.BadHistoryOperationUnsupported)))
    assert caught.value.code == StatusCodes.BadHistoryOperationUnsupported


def test_a_failure_after_samples_is_no_shorter_series() -> None:
    with pytest.raises(ServiceFaultError):
        read(Script(history_result([sample(1)], b"p"), history_fault(StatusCodes.BadInternalError)))
    with pytest.raises(ServiceFaultError):
        read(Script(history_result([sample(1)], b"p"), StatusCodes.BadInternalError))


@pytest.mark.parametrize("code", [StatusCodes.GoodNoData, StatusCodes.BadNoData])
def test_no_data_is_an_empty_series(code: int) -> None:
    assert read(Script(history_fault(code))) == []
