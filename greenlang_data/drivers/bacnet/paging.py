"""The records of a trend log from a time on, page by page, none lost or repeated unnoticed."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import datetime, timedelta
from typing import Final

from greenlang_data.drivers.bacnet.names import RECORD_COUNT, TOTAL_RECORD_COUNT, TREND_LOG_MULTIPLE
from greenlang_data.drivers.bacnet.reader import Reader
from greenlang_data.drivers.bacnet.records import Record, read_records
from greenlang_data.drivers.bacnet.references import Reference, object_name
from greenlang_data.drivers.bacnet.refusals import RefusedError
from greenlang_data.drivers.bacnet.services import (
    Confirmed,
    RangeAnswer,
    read_range_answer,
    read_range_by_sequence,
    read_range_by_time,
)
from greenlang_data.drivers.bacnet.tags import BrokenAnswerError
from greenlang_data.drivers.bacnet.values import Failure

# The device's clock has steps of a hundredth of a second, and only later records are sent.
_STEP: Final = timedelta(milliseconds=10)
_LARGEST: Final = 2**32 - 1
# A number that is farther ahead than this lies behind.
_FARTHEST: Final = 2**31


class Pages:
    """Reads one log; ``lost`` counts records that were overwritten while it was read."""

    def __init__(self, log: int, reader: Reader) -> None:
        self._log = log
        self._reader = reader
        self.lost = 0
        self.begins_later = False

    async def read(self, start: datetime) -> AsyncGenerator[list[Record], None]:
        """Pages of records from the wall-clock time ``start`` on, to the end of the log.

        Raises RefusedError, or what the link raises.
        """
        answer = await self._ask(start)
        self.begins_later = answer.is_first
        expected = self._check(answer, None)
        while True:
            if answer.quantity:
                yield self._records(answer)
            if answer.is_last:
                return
            if not answer.quantity:
                oldest = await self._oldest_after(expected)
                if oldest is None:
                    return
                answer = await self._ask(oldest)
            else:
                answer = await self._ask(expected or 0)
            expected = self._check(answer, expected)

    async def _ask(self, start: datetime | int) -> RangeAnswer:
        learned = self._reader.learned
        while True:
            count = learned.records
            if isinstance(start, int):
                request = read_range_by_sequence(self._log, start, count)
            else:
                request = read_range_by_time(self._log, _encoded(start - _STEP), count)
            try:
                body = await self._reader.ask(Confirmed.READ_RANGE, request)
                return read_range_answer(body, self._log)
            except RefusedError as refused:
                if not refused.too_large or count == 1:
                    raise
                learned.records = count // 2
            except BrokenAnswerError as broken:
                raise self._reader.link.broken(broken) from broken

    def _check(self, answer: RangeAnswer, expected: int | None) -> int | None:
        """The number of the record after this page."""
        if not answer.quantity:
            return expected
        if answer.sequence is None:
            raise self._reader.link.broken(
                BrokenAnswerError(f"{object_name(self._log)} gives its records no numbers")
            )
        if expected is not None:
            ahead = _distance(expected, answer.sequence)
            if ahead > _FARTHEST:
                raise self._reader.link.broken(
                    BrokenAnswerError(f"record {answer.sequence} came again instead of {expected}")
                )
            self.lost += ahead
        return _after(answer.sequence, answer.quantity)

    def _records(self, answer: RangeAnswer) -> list[Record]:
        try:
            several = Reference(self._log).object_type == TREND_LOG_MULTIPLE
            return read_records(answer.records, answer.quantity, several=several)
        except BrokenAnswerError as broken:
            raise self._reader.link.broken(broken) from broken

    async def _oldest_after(self, expected: int | None) -> int | None:
        """The oldest record there is, if those before it were overwritten since the last page."""
        if expected is None:
            return None
        wanted = [Reference(self._log, one) for one in (RECORD_COUNT, TOTAL_RECORD_COUNT)]
        results = await self._reader.read(wanted)
        count, total = (results[one] for one in wanted)
        if isinstance(count, Failure) or isinstance(total, Failure):
            return None
        total_number, kept = int(total.number or 0), int(count.number or 0)
        oldest = (total_number - kept) % _LARGEST + 1
        lost = _distance(expected, oldest)
        return oldest if kept and 0 < lost <= _FARTHEST else None


def _distance(sequence: int, later: int) -> int:
    """How many records on ``later`` is; after 2**32 - 1 comes 1."""
    return (later - sequence) % _LARGEST


def _after(sequence: int, steps: int) -> int:
    return (sequence - 1 + steps) % _LARGEST + 1


def _encoded(moment: datetime) -> bytes:
    day = [moment.year - 1900, moment.month, moment.day, moment.isoweekday()]
    clock = [moment.hour, moment.minute, moment.second, moment.microsecond // 10_000]
    return bytes(day + clock)
