"""One read: ask for every block, and find out what is wrong with those that are refused."""

from __future__ import annotations

from enum import Enum, auto

import numpy as np

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.modbus.exceptions import (
    BUSY,
    FUNCTION_REFUSED,
    RANGE_REFUSED,
    UNIT_UNREACHABLE,
    RefusedError,
    exception_name,
)
from greenlang_data.drivers.modbus.frames import READ_REQUESTS
from greenlang_data.drivers.modbus.layout import Failure, Layout, Part, refused
from greenlang_data.drivers.modbus.link import Answer, Link
from greenlang_data.drivers.modbus.memory import Memory
from greenlang_data.drivers.modbus.plan import BIT_TABLES, Span
from greenlang_data.errors import SourceBusy, SourceUnreachable


class _Outcome(Enum):
    ANSWERED = auto()
    # Values in it, or registers between them, cannot be read.
    FAULTY = auto()
    # All of it can be read, but not in one request.
    DIVIDED = auto()


class SnapshotReader:
    """Reads the blocks of ``layout`` one after the other.

    Afterwards ``image`` holds the bytes and ``received`` the client's clock (ns) at the answer,
    by place in ``layout.spans``; values in ``failures`` have neither.
    """

    def __init__(
        self, layout: Layout, link: Link, memory: Memory, log: ReadLog, source: str
    ) -> None:
        self.image = np.zeros(layout.image_size, np.uint8)
        self.received = np.zeros(len(layout.spans), np.int64)
        self.failures: dict[Span, Failure] = {}
        self._layout = layout
        self._link = link
        self._memory = memory
        self._log = log
        self._source = source
        self._unreachable: dict[int, Failure] = {}

    async def read(self) -> None:
        """Read everything. One value that is refused does not lose the others.

        Raises SourceBusy, SourceUnreachable (also when a gateway reaches none of the units), or
        ProtocolError.
        """
        for part in self._layout.parts:
            await self._read_part(part)
        units = {part.span.unit_id for part in self._layout.parts}
        if units and units == set(self._unreachable):
            reasons = "; ".join(failure.text for failure in self._unreachable.values())
            raise SourceUnreachable(
                reasons, source=self._source, remedy="Check the unit id and the line behind it."
            )

    async def _read_part(self, part: Part) -> _Outcome:
        """Ask for ``part``; if it is refused, what is good in it is read all the same."""
        span = part.span
        known = self._known_failure(span)
        if known is not None:
            return self._fail(part, known)
        self._log.requests += 1
        try:
            answer = await self._link.ask(span)
        except RefusedError as refusal:
            return await self._refused(part, refusal.code)
        self._store(part, span, answer)
        return _Outcome.ANSWERED

    def _known_failure(self, span: Span) -> Failure | None:
        if span.unit_id in self._unreachable:
            return self._unreachable[span.unit_id]
        code = self._memory.refused_areas.get(span.area)
        return None if code is None else _table_refused(span, code)

    def _store(self, part: Part, span: Span, answer: Answer) -> None:
        data = np.frombuffer(answer.data, np.uint8)
        if span.table in BIT_TABLES:
            data = np.unpackbits(data, count=span.quantity, bitorder="little")
        start = part.position(span)
        self.image[start : start + len(data)] = data
        self.received[part.indices] = answer.received

    async def _refused(self, part: Part, code: int) -> _Outcome:
        span = part.span
        if code in BUSY:
            raise SourceBusy(
                f"unit {span.unit_id} is busy ({exception_name(code)})",
                source=self._source,
                remedy="Try again later, or ask less often.",
            )
        if code in RANGE_REFUSED:
            return await self._search(part, code)
        failure = refused(span, code)
        if code in UNIT_UNREACHABLE:
            text = f"the gateway cannot reach unit {span.unit_id} ({exception_name(code)})"
            failure = self._unreachable[span.unit_id] = Failure(exception_name(code), text)
        elif code == FUNCTION_REFUSED:
            self._memory.refuse_area(span.area, code)
            failure = _table_refused(span, code)
        return self._fail(part, failure)

    async def _search(self, part: Part, code: int) -> _Outcome:
        """Bisect a part that was refused as a whole, and remember what is to blame.

        A block of n values takes at most ``2 * log2(n)`` requests per bad one.
        """
        if len(part.members) == 1:
            self._memory.refuse_span(part.span, code)
            return self._fail(part, refused(part.span, code))
        left, right = part.halves()
        outcomes = []
        for half in (left, right):
            # Where values overlap, a half may be the very range that was refused just now.
            again = half.span == part.span
            outcomes.append(await (self._search(half, code) if again else self._read_part(half)))
        if _Outcome.FAULTY in outcomes and _Outcome.DIVIDED not in outcomes:
            return _Outcome.FAULTY
        return self._divide(part, left.span, right.span, code)

    def _divide(self, part: Part, left: Span, right: Span, code: int) -> _Outcome:
        """Remember not to join two halves in which no single value is to blame."""
        self._memory.refuse_joining(left, right)
        self._log.note(
            f"unit {part.span.unit_id} refused {part.span} in one request "
            f"({exception_name(code)}) but not its parts; they are asked for one by one now. "
            "If it cannot answer that many at once, set max_block_registers."
        )
        # Unwanted registers between them explain the refusal; otherwise it may be the size, and
        # then the larger parts that hold this one were refused for the same reason.
        return _Outcome.FAULTY if right.address > left.end else _Outcome.DIVIDED

    def _fail(self, part: Part, failure: Failure) -> _Outcome:
        for span in part.members:
            self.failures[span] = failure
        return _Outcome.FAULTY


def _table_refused(span: Span, code: int) -> Failure:
    name, function = exception_name(code), READ_REQUESTS[span.table].function_code
    text = f"unit {span.unit_id} has no table {span.table!r} (function code {function}: {name})"
    return Failure(name, text)
