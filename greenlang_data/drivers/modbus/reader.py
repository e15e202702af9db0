"""One read: ask for every block, and find out what is wrong with those that are refused."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto

import numpy as np

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.modbus.decode import Image
from greenlang_data.drivers.modbus.exceptions import (
    BUSY,
    FUNCTION_REFUSED,
    RANGE_REFUSED,
    UNIT_UNREACHABLE,
    RefusedError,
    exception_name,
)
from greenlang_data.drivers.modbus.frames import READ_REQUESTS
from greenlang_data.drivers.modbus.layout import Layout, Part, refused
from greenlang_data.drivers.modbus.link import Answer, Link, Silence
from greenlang_data.drivers.modbus.memory import Memory
from greenlang_data.drivers.modbus.plan import BIT_TABLES, Span
from greenlang_data.drivers.modbus.units import Failure, Units
from greenlang_data.errors import SourceBusy


class _Outcome(Enum):
    ANSWERED = auto()
    # Values in it, or registers between them, cannot be read.
    FAULTY = auto()
    # All of it can be read, but not in one request.
    DIVIDED = auto()


class SnapshotReader:
    """Reads the blocks of ``layout``, as many at a time as the link takes.

    Afterwards :attr:`image` holds the bytes and ``received`` the client's clock (ns) at the
    answer, by place in ``layout.spans``; values in ``failures`` have neither.
    """

    def __init__(
        self,
        layout: Layout,
        link: Link,
        memory: Memory,
        units: Units,
        log: ReadLog,
        source: str,
    ) -> None:
        self._bytes = bytearray(layout.image_size)
        self.received = np.zeros(len(layout.spans), np.int64)
        self.failures: dict[Span, Failure] = {}
        self._layout = layout
        self._link = link
        self._memory = memory
        self._units = units
        self._log = log
        self._source = source
        self._failed_now: dict[int, Failure] = {}

    @property
    def image(self) -> Image:
        """What came, at the positions that the layout says."""
        return np.frombuffer(self._bytes, np.uint8)

    async def read(self) -> None:
        """Read everything. One value that is refused does not lose the others.

        Where there are several units, each is asked for one block first, so that one that is not
        there costs one request and not one per block.

        Raises SourceBusy, SourceUnreachable (also when none of the source's units answers), or
        ProtocolError.
        """
        for parts in self._layout.waves:
            await self._read_parts(parts)
        self._units.raise_if_all_failed(self._layout.unit_ids, self._source)

    async def _read_parts(self, parts: Sequence[Part]) -> None:
        """Ask for all ``parts`` at once, and then look for what is wrong with those refused."""
        asked = [part for part in parts if not self._is_known_to_fail(part)]
        outcomes = await self._link.ask([part.span for part in asked], self._log)
        refusals = []
        for part, outcome in zip(asked, outcomes, strict=True):
            if isinstance(outcome, Answer):
                self._store(part, outcome)
            else:
                refusals.append((part, outcome))
        for part, outcome in refusals:
            await self._not_answered(part, outcome)

    async def _read_part(self, part: Part) -> _Outcome:
        """Ask for ``part``; if it is refused, what is good in it is read all the same."""
        if self._is_known_to_fail(part):
            return _Outcome.FAULTY
        (outcome,) = await self._link.ask([part.span], self._log)
        if not isinstance(outcome, Answer):
            return await self._not_answered(part, outcome)
        self._store(part, outcome)
        return _Outcome.ANSWERED

    async def _not_answered(self, part: Part, outcome: RefusedError | Silence) -> _Outcome:
        if isinstance(outcome, RefusedError):
            return await self._refused(part, outcome.code)
        unit = part.span.unit_id
        text = f"unit {unit} did not answer within {outcome.seconds:g} s"
        return self._fail(part, self._unit_failed(unit, Failure("NoAnswer", text)))

    def _unit_failed(self, unit: int, failure: Failure) -> Failure:
        self._units.failed(unit, failure)
        self._failed_now[unit] = failure
        return failure

    def _is_known_to_fail(self, part: Part) -> bool:
        """Whether asking would be in vain; then the part has failed."""
        if not (self._failed_now or self._units.any_failed or self._memory.refused_areas):
            return False  # as nearly always, and there may be hundreds of parts
        span = part.span
        failure = self._failed_now.get(span.unit_id) or self._units.failure(span.unit_id)
        if failure is None and (code := self._memory.refused_areas.get(span.area)) is not None:
            failure = _table_refused(span, code)
        if failure is not None:
            self._fail(part, failure)
        return failure is not None

    def _store(self, part: Part, answer: Answer) -> None:
        span, data = part.span, answer.data
        if span.table in BIT_TABLES:
            bits = np.frombuffer(data, np.uint8)
            data = np.unpackbits(bits, count=span.quantity, bitorder="little").tobytes()
        self._bytes[part.start : part.start + len(data)] = data
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
            failure = self._unit_failed(span.unit_id, Failure(exception_name(code), text))
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
        if part.span.unit_id in self._failed_now:
            return _Outcome.FAULTY  # it fell silent on the way, and nothing was learned
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
