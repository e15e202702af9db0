"""What a device has shown that it refuses, so that it is not asked for again in vain."""

from __future__ import annotations

from collections import defaultdict

from greenlang_data.drivers.modbus.plan import Area, Barrier, Span


class Memory:
    """Values and tables that a device refuses, and ranges that it refuses in one request.

    Valid until the device is connected to anew. ``version`` grows with everything learned, and
    a plan made of an earlier version is out of date.
    """

    def __init__(self) -> None:
        self.version = 0
        self.bad_spans: dict[Span, int] = {}
        self.refused_areas: dict[Area, int] = {}
        self.barriers: dict[Area, set[Barrier]] = defaultdict(set)

    def code_for(self, span: Span) -> int | None:
        """The exception code with which ``span`` or its whole table was refused, if it was."""
        return self.refused_areas.get(span.area, self.bad_spans.get(span))

    def refuse_span(self, span: Span, code: int) -> None:
        """Asked for alone, ``span`` was refused: no request may hold all of it."""
        self.bad_spans[span] = code
        self._bar(span.area, (span.address, span.end))

    def refuse_area(self, area: Area, code: int) -> None:
        """The whole table was refused."""
        self.refused_areas[area] = code
        self.version += 1

    def refuse_joining(self, left: Span, right: Span) -> None:
        """Each was answered, and both in one request were not: something between is in the way.

        ``left`` starts first and ``right`` ends last. The barrier is the smallest range that
        neither of them holds.
        """
        low = min(right.address, left.end) - 1
        high = max(right.address, left.end) + 1
        self._bar(left.area, (low, high))

    def _bar(self, area: Area, barrier: Barrier) -> None:
        self.barriers[area].add(barrier)
        self.version += 1
