"""A historian in memory that pages in each of the ways that servers were seen to page."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

from asyncua.ua.status_codes import StatusCodes

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.opcua.binary import Reader
from greenlang_data.drivers.opcua.faults import ServiceFaultError
from greenlang_data.drivers.opcua.limits import Limits
from tests.drivers.opcua.encoder import Value, array_of, history_fault, history_result, number

GOOD_NO_DATA = StatusCodes.GoodNoData


@dataclass
class Historian:
    """Stands in for a Connection. ``times`` are ticks; values are the index of the sample.

    ``style`` is ``points`` (a new continuation point each page), ``one point`` (always the same
    bytes), ``total`` (the page size is a total, and no point), ``cap`` (never more than ``most``
    rows, and no point), ``forgetful`` (every second use of a point fails).
    """

    times: Sequence[int]
    style: str = "points"
    most: int = 10**9
    end_included: bool = True
    too_large_beyond: int = 10**9
    too_large_as_fault: bool = True
    source_times: bool = True
    limits: Limits = field(default_factory=Limits)
    alive: bool = True
    source: str = "plant"

    def __post_init__(self) -> None:
        self.open: dict[bytes, tuple[int, int, int]] = {}
        self.requests = 0
        self.uses = 0
        self.points_made = 0

    async def ask(self, service: int, body: bytes, log: ReadLog) -> Reader:
        self.requests += 1
        assert self.requests < 5000, "the paging does not end"
        start, end, rows, timestamps, released, points = self._parse(body)
        assert not released
        results = [self._page(start, end, rows, timestamps, point) for point in points]
        return Reader(array_of(results))

    def send_and_forget(self, service: int, body: bytes) -> None:
        *_, released, points = self._parse(body)
        assert released
        for point in points:
            self.open.pop(point or b"", None)

    def _parse(self, body: bytes) -> tuple[int, int, int, int, bool, list[bytes | None]]:
        reader = Reader(body)
        _, details = reader.extension_object()
        assert details is not None
        modified, start, end, rows, bounds = struct.unpack(
            "<?qqI?", details.data[details.position : details.end]
        )
        assert not modified
        assert not bounds
        timestamps, released = reader.int32(), bool(reader.byte())
        points = []
        for _ in range(reader.int32()):
            reader.node_id()
            reader.byte_string()
            reader.uint16()
            reader.byte_string()
            points.append(reader.byte_string())
        assert reader.position == reader.end
        return start, end, rows, timestamps, released, points

    def _page(self, start: int, end: int, rows: int, timestamps: int, point: bytes | None) -> bytes:
        if point is None:
            within = [
                index
                for index, time in enumerate(self.times)
                if start <= time < end or (self.end_included and time == end)
            ]
            first, last = (within[0], within[-1] + 1) if within else (0, 0)
        else:
            self.uses += 1
            known = self.open.pop(point, None)
            if known is None or (self.style == "forgetful" and self.uses % 2):
                return history_fault(StatusCodes.BadContinuationPointInvalid)
            first, last, _ = known
        if min(rows, last - first) > self.too_large_beyond:
            if self.too_large_as_fault:
                raise ServiceFaultError(StatusCodes.BadResponseTooLarge)
            return history_fault(StatusCodes.BadEncodingLimitsExceeded)
        if first == last:
            return history_fault(GOOD_NO_DATA)
        stop = min(last, first + rows, first + self.most)
        values = [self._value(index, timestamps) for index in range(first, stop)]
        return history_result(values, self._point(stop, last))

    def _value(self, index: int, timestamps: int) -> Value:
        time = self.times[index]
        return Value(
            number(6, index),
            source=time if self.source_times else None,
            server=time if timestamps == 2 else None,
        )

    def _point(self, stop: int, last: int) -> bytes | None:
        if stop == last or self.style in ("total", "cap"):
            return None
        self.points_made += 1
        point = b"21" if self.style == "one point" else b"p%d" % self.points_made
        self.open[point] = (stop, last, 0)
        return point
