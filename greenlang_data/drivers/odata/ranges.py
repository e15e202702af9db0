"""The rest of a large set in ranges of its key, which are read at the same time.

Ranges are only made where the first column of the key has texts of equally many digits, or whole
numbers: every server puts these in one order, whatever its language. Where one range ends and the
next begins is a guess at how the rows are spread, on which only the time depends: each row is in
one range, and what all of them gave is proven by keys and counts like any other read.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from greenlang_data.drivers.odata.edm import Property
from greenlang_data.drivers.odata.keyset import rows_after
from greenlang_data.drivers.odata.literals import literal
from greenlang_data.drivers.odata.values import INTEGERS

_LEAST_PAGES: Final = 4  # that are left, for which ranges are worth their requests
_FULL: Final = 0.8  # of a page, since some ranges have more rows than their share
_RANGES_EACH: Final = 8  # at most, for each that is read at once


class Range(NamedTuple):
    """``condition`` holds for the rows of one range; their keys begin at ``low`` or above."""

    condition: str
    low: Any


def ranges_after(
    keys: Sequence[Property], last: Sequence[Any], end: Any, pages: int, at_once: int, version: int
) -> list[Range]:
    """Ranges of the rows after the key ``last``, in their order; none where it is not known.

    ``end`` is the first column of the last key of all, ``pages`` how many are left to read.
    """
    column, parts = keys[0], min(math.ceil(pages / _FULL), at_once * _RANGES_EACH)
    bounds = list(_between(column, last[0], end, parts)) if pages >= _LEAST_PAGES else []
    if not bounds:
        return []
    name, written = column.name, [literal(column, one, version) for one in bounds]
    key = dict(zip((one.name for one in keys), last, strict=True))
    first = Range(f"{rows_after(keys, key, version)} and {name} lt {written[0]}", last[0])
    middle = [
        Range(f"{name} ge {low} and {name} lt {high}", bound)
        for bound, low, high in zip(bounds, written, written[1:], strict=False)
    ]
    return [first, *middle, Range(f"{name} ge {written[-1]}", bounds[-1])]


def _between(column: Property, low: Any, high: Any, parts: int) -> Iterator[Any]:
    """Values that cut what is between ``low`` and ``high`` into about so many equal parts."""
    if column.type == "Edm.String":
        both = low + high
        if len(low) != len(high) or not (both.isascii() and both.isdigit()):
            return
    elif column.type not in INTEGERS:
        return
    begin, end = int(low), int(high)
    for cut in sorted({begin + (end - begin) * part // parts for part in range(1, parts)}):
        if cut > begin:
            yield str(cut).zfill(len(low)) if column.type == "Edm.String" else cut
