"""The samples around a window, from which lines lead into it and out of it."""

from __future__ import annotations

from typing import Final

import numpy as np

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.opcua.binary import MalformedAnswerError
from greenlang_data.drivers.opcua.bulk import BOTH
from greenlang_data.drivers.opcua.connection import Connection
from greenlang_data.drivers.opcua.datavalues import Columns, join
from greenlang_data.drivers.opcua.historyread import Page, history_read, raw_details, release
from greenlang_data.drivers.opcua.series import NO_DATA, UnreadableError
from greenlang_data.drivers.opcua.statuses import BAD
from greenlang_data.drivers.opcua.times import NO_TIME, ticks_at
from greenlang_data.drivers.schema import GOOD

# The nearest good sample is mostly the nearest sample.
_SIZES: Final = (20, 1_000, 20_000)
# Nothing was recorded before 1970, and the last time that 64 bits of ns hold is in 2262.
_EARLIEST: Final = 0
_LATEST: Final = 2**63 - 1_000_000_000
_WANTED: Final = 2


class NoBoundsError(Exception):
    """What leads into a window, or out of it, cannot be found; says why."""


async def samples_before(connection: Connection, node: bytes, time: int, log: ReadLog) -> Columns:
    """The last samples before ``time`` (ns since 1970 UTC), in order, two good ones among them.

    Fewer only where there are no more; the server is asked backwards. Raises UnreadableError, and
    NoBoundsError when it does not answer so, or has too many before them that are not good.
    """
    found = await _outside(connection, node, time, _EARLIEST, log)
    earlier = found.take(np.flatnonzero(found.source < time))
    if (np.diff(earlier.source) > 0).any():
        raise NoBoundsError("the server does not give its history backwards")
    return earlier.take(np.arange(len(earlier))[::-1])


async def samples_from(connection: Connection, node: bytes, time: int, log: ReadLog) -> Columns:
    """The first samples from ``time`` on, in order, with two good ones among them; as above."""
    found = await _outside(connection, node, time, _LATEST, log)
    later = found.take(np.flatnonzero(found.source >= time))
    if (np.diff(later.source) < 0).any():
        raise MalformedAnswerError("its samples are out of order")
    return later


async def _outside(
    connection: Connection, node: bytes, time: int, until: int, log: ReadLog
) -> Columns:
    for size in _SIZES:
        details = raw_details(ticks_at(time), ticks_at(until), size)
        (page,) = await history_read(connection, details, [(node, None)], BOTH, log)
        _check(page)
        found = join(page.blocks) if page.blocks else Columns.empty(0)
        if page.continuation is not None:
            release(connection, details, node, page.continuation)
        # A sample at the very time may be on the other side, so it does not count.
        good = (found.codes >> 30 == GOOD) & (found.source != time)
        at_the_end = page.continuation is None and page.rows < size
        if at_the_end or np.count_nonzero(good) >= _WANTED:
            return found
    raise NoBoundsError(
        f"there are not two good ones among the {_SIZES[-1]:,} samples nearest to the window"
    )


def _check(page: Page) -> None:
    if page.code & BAD and page.code & 0xFFFF0000 not in NO_DATA:
        raise UnreadableError(page.code)
    if any((block.source == NO_TIME).any() for block in page.blocks):
        raise MalformedAnswerError("there are samples without a time")
