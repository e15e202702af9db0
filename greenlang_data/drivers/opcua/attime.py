"""Values at chosen times, as the server interpolates them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Final

import numpy as np
import pyarrow as pa

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.opcua.arrow import first_type, series_of
from greenlang_data.drivers.opcua.bulk import SOURCE, in_chunks
from greenlang_data.drivers.opcua.connection import Connection
from greenlang_data.drivers.opcua.datavalues import Columns, join, whole_numbers
from greenlang_data.drivers.opcua.historyread import Page, at_time_details, history_read
from greenlang_data.drivers.opcua.meanings import NO_NAMES, Meanings
from greenlang_data.drivers.opcua.raw import Tag
from greenlang_data.drivers.opcua.series import UnreadableError
from greenlang_data.drivers.opcua.statuses import BAD, at_time_failure
from greenlang_data.drivers.opcua.times import NO_TIME, ticks_at
from greenlang_data.drivers.schema import failed_series

_TIMES_PER_REQUEST: Final = 5_000
# Info bits of a DataValue that tell where it is from: recorded, calculated or interpolated. Some
# servers set them without the bit 0x0400, which says that they are of this kind.
_ORIGIN_BITS: Final = 0x0803
_INTERPOLATED: Final = 0x0002
_OTHER_TIMES: Final = "the server answered for other times than were asked for"


class AtTimeReader:
    """One value per time, in nanoseconds since 1970 UTC, for each tag."""

    def __init__(
        self, connection: Connection, meanings: Meanings, times: Sequence[int], log: ReadLog
    ) -> None:
        self._connection = connection
        self._meanings = meanings
        self._times = times
        self._log = log

    async def read(self, tags: Sequence[Tag]) -> AsyncGenerator[pa.RecordBatch, None]:
        """One batch for every tag."""
        size = self._connection.limits["history"]
        for first in range(0, len(tags), size):
            group = tags[first : first + size]
            pieces = [
                await self._piece(group, self._times[start : start + _TIMES_PER_REQUEST])
                for start in range(0, max(len(self._times), 1), _TIMES_PER_REQUEST)
            ]
            for place, tag in enumerate(group):
                yield await self._batch(tag, [piece[place] for piece in pieces])

    async def _piece(
        self, tags: Sequence[Tag], times: Sequence[int]
    ) -> list[Columns | UnreadableError | str]:
        """The values of all tags at some of the times; or why there are none."""
        if not times:
            return [Columns.empty(0)] * len(tags)
        details = at_time_details([ticks_at(time) for time in times])

        async def part(start: int, stop: int) -> list[Columns | UnreadableError | str]:
            nodes = [(tag.node, None) for tag in tags[start:stop]]
            pages = await history_read(self._connection, details, nodes, SOURCE, self._log)
            return [_checked(page, times) for page in pages]

        found = await in_chunks(len(tags), self._connection.limits, "history", part)
        return [one for several in found for one in several]

    async def _batch(
        self, tag: Tag, pieces: Sequence[Columns | UnreadableError | str]
    ) -> pa.RecordBatch:
        values = []
        for piece in pieces:
            if isinstance(piece, UnreadableError):
                return failed_series(tag.tag, at_time_failure(piece.code, tag.text))
            if isinstance(piece, str):
                return failed_series(tag.tag, piece)
            values.append(piece)
        columns = join(values)
        await self._meanings.explain(columns, None, self._log)
        names = NO_NAMES
        if whole_numbers(columns).any():
            (names,) = await self._meanings.names([tag.node], self._log)
        return series_of(tag.tag, columns, tag.unit, first_type(columns, names) or "", names)


def _checked(page: Page, times: Sequence[int]) -> Columns | UnreadableError | str:
    if page.code & BAD:
        return UnreadableError(page.code)
    columns = join(page.blocks) if page.blocks else Columns.empty(0)
    if len(columns) != len(times) or page.continuation is not None:
        return _OTHER_TIMES
    asked = np.array(times, np.int64)
    # A value that there is none of may lack its time; the order tells which it is.
    columns.source = np.where(columns.source == NO_TIME, asked, columns.source)
    if (columns.source != asked).any():
        return _OTHER_TIMES
    interpolated = np.flatnonzero(columns.codes & _ORIGIN_BITS == _INTERPOLATED)
    columns.edits = dict.fromkeys(interpolated.tolist(), "interpolated")
    return columns
