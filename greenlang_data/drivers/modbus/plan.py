"""The block planner: which requests read a set of values with the fewest round trips.

A block may be read when (a) it is no longer than the device's maximum, (b) no run of registers
inside it that nobody wants is longer than the gap limit, (c) it holds no range that the device
is known to refuse, and (d) it crosses no multiple of the device's alignment. Every part of such a
block satisfies (a) to (d) as well, and that makes the greedy plan minimal:

Let ``start`` be the lowest start of a value not yet covered, and ``[start, end)`` the longest
allowed block from there. In any plan some block ``[a, b)`` with ``a <= start`` covers that value.
Its part ``[start, b)`` is allowed, so ``b <= end``; and every value in ``[a, b)`` not yet covered
starts at or after ``start``, so it lies in ``[start, end)``. Hence replacing ``[a, b)`` by
``[start, end)`` loses nothing, and by induction no plan has fewer blocks. ``test_plan.py``
compares it with all plans there are.

A value is covered only by a block that holds all of it: its words come from one answer, so a
value that changes between two requests is never put together from both (a torn read).
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from operator import attrgetter
from typing import Final, NamedTuple

from greenlang_data.settings.register import Table

BIT_TABLES: Final = frozenset({"coil", "discrete"})
BITS_PER_REGISTER: Final = 16
_LAST_END: Final = 65536
_address = attrgetter("address")

Area = tuple[int, Table]
"""One table of one unit."""

Barrier = tuple[int, int]
"""``[low, high)``: a request for all of it is refused, as the device has shown."""


class Span(NamedTuple):
    """``quantity`` registers (or bits, in the bit tables) from the zero-based ``address`` on."""

    unit_id: int
    table: Table
    address: int
    quantity: int

    @property
    def end(self) -> int:
        """The address after the last one."""
        return self.address + self.quantity

    @property
    def area(self) -> Area:
        """The unit and table it is in."""
        return self.unit_id, self.table

    def __str__(self) -> str:
        last = f"-{self.end - 1}" if self.quantity > 1 else ""
        return f"{self.table} {self.address}{last}"


class Block(NamedTuple):
    """One request (``span``) and the wanted values it answers, in address order."""

    span: Span
    members: tuple[Span, ...]


class Limits(NamedTuple):
    """What one request may hold, in registers; in the bit tables sixteen times as many bits.

    ``alignment`` is for registers only: requests cross no multiple of it.
    """

    registers: int = 125
    gap: int = 125
    alignment: int | None = None

    def per_block(self, table: Table) -> int:
        """The largest quantity of one request."""
        return self.registers * (BITS_PER_REGISTER if table in BIT_TABLES else 1)

    def largest_gap(self, table: Table) -> int:
        """How many unwanted registers or bits may be read to join two values."""
        return self.gap * (BITS_PER_REGISTER if table in BIT_TABLES else 1)

    def last_end(self, table: Table, address: int) -> int:
        """Where a block from ``address`` on must end, by size and alignment."""
        end = address + self.per_block(table)
        if self.alignment is None or table in BIT_TABLES:
            return end
        return min(end, (address // self.alignment + 1) * self.alignment)

    def fits(self, span: Span) -> bool:
        """Whether ``span`` may be read in one request."""
        return span.end <= self.last_end(span.table, span.address)


def hull(spans: Sequence[Span]) -> Span:
    """The smallest span around ``spans``, which are of one area and in address order."""
    first = spans[0]
    return first._replace(quantity=max(span.end for span in spans) - first.address)


def plan_blocks(
    wanted: Iterable[Span], limits: Limits, barriers: Mapping[Area, Collection[Barrier]]
) -> list[Block]:
    """The fewest blocks that read ``wanted``, each value whole, ordered by unit, table, address.

    Raises ValueError for a value that fits into no block.
    """
    areas: dict[Area, list[Span]] = defaultdict(list)
    for span in sorted(set(wanted)):
        if not limits.fits(span):
            raise ValueError(f"{span} does not fit into one request")
        areas[span.area].append(span)
    blocks: list[Block] = []
    for area, spans in areas.items():
        blocks += _plan_area(spans, limits, barriers.get(area, ()))
    return blocks


def _plan_area(spans: list[Span], limits: Limits, barriers: Collection[Barrier]) -> list[Block]:
    table, refused = spans[0].table, _Refused(barriers)
    blocks = list(_forced(spans, refused))
    covered = {member for block in blocks for member in block.members}
    for island in _islands(spans, limits.largest_gap(table)):
        rest = [span for span in island if span not in covered]
        blocks += _greedy(rest, limits, refused)
    return sorted(blocks)


def _forced(spans: list[Span], refused: _Refused) -> Iterator[Block]:
    """Blocks that are in every plan: of values that hold a barrier, and are asked for anyway.

    Such a value fits into no block but its own, or that of another such value around it.
    """
    alone = [span for span in spans if refused.reach(span.address) < span.end]
    covered: set[Span] = set()
    for span in sorted(alone, key=attrgetter("quantity"), reverse=True):
        if span not in covered:
            members = tuple(one for one in _inside(spans, span) if one not in covered)
            covered.update(members)
            yield Block(span, members)


def _greedy(spans: list[Span], limits: Limits, refused: _Refused) -> Iterator[Block]:
    covered: set[Span] = set()
    for first in spans:
        if first in covered:
            continue
        end = min(limits.last_end(first.table, first.address), refused.reach(first.address))
        longest = first._replace(quantity=end - first.address)
        members = tuple(span for span in _inside(spans, longest) if span not in covered)
        covered.update(members)
        yield Block(hull(members), members)


def _inside(spans: list[Span], block: Span) -> tuple[Span, ...]:
    begin = bisect_left(spans, block.address, key=_address)
    stop = bisect_left(spans, block.end, lo=begin, key=_address)
    return tuple(span for span in spans[begin:stop] if span.end <= block.end)


def _islands(spans: list[Span], largest_gap: int) -> Iterator[list[Span]]:
    """Groups of values between which more registers lie unwanted than may be read."""
    island, reach = [spans[0]], spans[0].end
    for span in spans[1:]:
        if span.address - reach > largest_gap:
            yield island
            island = []
        island.append(span)
        reach = max(reach, span.end)
    yield island


class _Refused:
    """How far a block from a given address may go before it holds a whole barrier."""

    def __init__(self, barriers: Collection[Barrier]) -> None:
        ordered = sorted(barriers)
        self._lows = [low for low, _ in ordered]
        highs = [high for _, high in ordered]
        self._lowest_highs = list(accumulate(reversed(highs), min))[::-1]

    def reach(self, address: int) -> int:
        """The last end of a block from ``address`` on that holds no barrier."""
        position = bisect_left(self._lows, address)
        if position == len(self._lows):
            return _LAST_END
        return self._lowest_highs[position] - 1
