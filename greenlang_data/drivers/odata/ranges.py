"""The rest of a large set in ranges of its key, which are read at the same time.

Where the first column of the key has texts of equally many digits, or whole numbers, every server
puts them in one order, and the bounds are counted out: a guess at how the rows are spread, on which
only the time depends. The order of other keys is the server's own: of letters by its language, of
identifiers by whichever bytes it begins with. There the bounds are keys that the server itself named
by their places in its order. Each row is in one range either way, and what all of them gave is
proven by keys and counts like any other read.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, Final, NamedTuple

from greenlang_data.drivers.odata.edm import Property
from greenlang_data.drivers.odata.keyset import rows_after, rows_up_to
from greenlang_data.drivers.odata.literals import literal
from greenlang_data.drivers.odata.values import INTEGERS

LEAST_PAGES: Final = 4  # that are left, for which ranges are worth their requests
_FULL: Final = 0.8  # of a page, since some ranges have more rows than their share
_RANGES_EACH: Final = 8  # at most, for each that is read at once
_EVEN_RANGES_EACH: Final = 2  # where each has its share


class Range(NamedTuple):
    """``condition`` holds for the rows of one range.

    Their keys begin at ``low`` or above, or there are ``share`` of them, as far as that is known.
    """

    condition: str
    low: Any = None
    share: int | None = None


def ranges_after(
    keys: Sequence[Property], last: Sequence[Any], end: Any, pages: int, at_once: int, version: int
) -> list[Range]:
    """Ranges of the rows after the key ``last``, in their order; none where it is not known.

    ``end`` is the first column of the last key of all, ``pages`` how many are left to read.
    """
    column, parts = keys[0], min(math.ceil(pages / _FULL), at_once * _RANGES_EACH)
    bounds = list(_between(column, last[0], end, parts)) if pages >= LEAST_PAGES else []
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


def counts_out(column: Property, value: Any) -> bool:
    """Whether what lies between such a value and another can be counted out."""
    return column.type in INTEGERS or (column.type == "Edm.String" and _is_digits(value))


def even_places(read: int, counted: int, pages: int, at_once: int) -> list[int]:
    """The places of the last rows of even ranges behind ``read`` rows, but for the last range.

    Each has two pages at least, since asking for its bound takes as long as for a page.

    >>> even_places(100, 1000, 9, 2)
    [324, 549, 774]
    """
    parts = min(pages // 2, at_once * _EVEN_RANGES_EACH)
    ends = {read + (counted - read) * part // parts for part in range(1, parts)}
    return [end - 1 for end in sorted(ends) if read < end < counted]


def ranges_between(
    keys: Sequence[Property],
    last: Sequence[Any],
    bounds: Sequence[Sequence[Any]],
    ends: Sequence[int],
    version: int,
) -> list[Range]:
    """Ranges of the rows after the key ``last``: each ends with a row that one of ``bounds`` names.

    ``ends`` is how many rows there are up to ``last``, up to each bound, and in all.
    """
    names = [one.name for one in keys]
    every = [dict(zip(names, one, strict=True)) for one in (last, *bounds)]
    lows = [rows_after(keys, one, version) for one in every]
    highs = [rows_up_to(keys, one, version) for one in every[1:]]
    shares = [high - low for low, high in pairwise(ends)]
    conditions = [f"{low} and {high}" for low, high in zip(lows, highs, strict=False)]
    return [
        Range(condition, None, share)
        for condition, share in zip([*conditions, lows[-1]], shares, strict=True)
    ]


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _between(column: Property, low: Any, high: Any, parts: int) -> Iterator[Any]:
    """Values that cut what is between ``low`` and ``high`` into about so many equal parts."""
    if column.type == "Edm.String":
        if len(low) != len(high) or not _is_digits(low + high):
            return
    elif column.type not in INTEGERS:
        return
    begin, end = int(low), int(high)
    for cut in sorted({begin + (end - begin) * part // parts for part in range(1, parts)}):
        if cut > begin:
            yield str(cut).zfill(len(low)) if column.type == "Edm.String" else cut
