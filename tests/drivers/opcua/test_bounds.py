"""The samples around a window, from servers that answer in their own ways."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest
from asyncua.ua.status_codes import StatusCodes

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.opcua.bounds import NoBoundsError, samples_before, samples_from
from greenlang_data.drivers.opcua.datavalues import Columns
from greenlang_data.drivers.opcua.series import UnreadableError
from greenlang_data.drivers.opcua.times import ticks_at
from tests.drivers.opcua.encoder import Value, history_fault, history_result, number
from tests.drivers.opcua.historian import Historian

SECOND = 10**9
NODE = b"\x00\x01"


class Backwards(Historian):
    """Answers backwards when it is asked so; the first ``bad`` samples on the way are bad."""

    bad = 0
    faithful = True

    def _page(self, start: int, end: int, rows: int, timestamps: int, point: bytes | None) -> bytes:
        low, high = min(start, end), max(start, end)
        found = [place for place, time in enumerate(self.times) if low <= time <= high]
        if start > end:
            found.reverse()
        whole = found[:rows]
        values = [
            Value(
                number(6, place),
                source=self.times[place],
                status=StatusCodes.BadNoCommunication if at < self.bad else 0,
            )
            for at, place in enumerate(whole)
        ]
        if not self.faithful:
            values.reverse()
        return history_result(values, b"more" if len(found) > rows else None)

    def send_and_forget(self, service: int, body: bytes) -> None:
        *_, released, points = self._parse(body)
        assert (released, points) == (True, [b"more"])


def historian(count: int) -> Backwards:
    """A sample a second, whose value is its second."""
    return Backwards([ticks_at(second * SECOND) for second in range(count)])


def before(server: Historian, second: float) -> Columns:
    work = samples_before(cast("Any", server), NODE, round(second * SECOND), ReadLog())
    return asyncio.run(work)


def after(server: Historian, second: float) -> Columns:
    work = samples_from(cast("Any", server), NODE, round(second * SECOND), ReadLog())
    return asyncio.run(work)


def seconds(found: Columns) -> list[int]:
    told: list[int] = (found.source // SECOND).tolist()
    return told


def test_the_nearest_come_in_order() -> None:
    server = historian(100)
    assert seconds(before(server, 50))[-3:] == [47, 48, 49]
    assert seconds(after(server, 50))[:3] == [50, 51, 52]
    assert server.requests == 2


def test_at_the_ends_there_are_none() -> None:
    server = historian(3)
    assert seconds(before(server, 0)) == []
    assert seconds(before(server, 2.5)) == [0, 1, 2]
    assert seconds(after(server, 2.5)) == []
    assert seconds(after(server, 2)) == [2]


@pytest.mark.parametrize(("bad", "requests"), [(10, 1), (20, 2), (900, 2), (5000, 3)])
def test_it_goes_on_until_there_are_good_ones(bad: int, requests: int) -> None:
    server = historian(30_000)
    server.bad = bad
    assert (after(server, 10_000).codes == 0).sum() >= 2
    assert server.requests == requests


def test_where_there_is_nothing_good_it_gives_up() -> None:
    server = historian(30_000)
    server.bad = 30_000
    with pytest.raises(NoBoundsError, match="not two good ones among the 20,000"):
        after(server, 0)


def test_a_server_that_answers_forwards_is_not_believed() -> None:
    server = historian(10)
    server.faithful = False
    with pytest.raises(NoBoundsError, match="does not give its history backwards"):
        before(server, 8)


def test_a_history_that_cannot_be_read() -> None:
    class Refusing(Backwards):
        def _page(self, *_: Any) -> bytes:
            return history_fault(StatusCodes.BadUserAccessDenied)

    with pytest.raises(UnreadableError):
        before(Refusing([]), 8)
