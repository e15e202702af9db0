"""Reads static values: what was asked for and little else, in variations that lose nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.dnp3.inbox import Block
from greenlang_data.drivers.dnp3.indications import OBJECT_UNKNOWN, REQUEST_ERRORS, notes
from greenlang_data.drivers.dnp3.master import Header, Master
from greenlang_data.drivers.dnp3.points import BY_GROUP, KINDS
from greenlang_data.settings.point import PointType

# A request must fit into one frame, and a header with a range takes at most 7 of its 249 bytes.
_HEADERS_PER_REQUEST: Final = 32
# With more ranges than this it is cheaper to ask for all points of the type.
_MOST_RANGES: Final = 64
# A few points that nobody asked for cost less than a further header.
_GAP: Final = 8


class Reader:
    """Reads through one connection, and learns what its device knows."""

    def __init__(self, master: Master, overrides: Mapping[PointType, int]) -> None:
        self._master = master
        self._variations: dict[PointType, tuple[int, ...]] = {
            name: (overrides[name],) if name in overrides else kind.variations
            for name, kind in KINDS.items()
        }
        self._proved: set[PointType] = set()
        self._unknown: set[tuple[PointType, int]] = set()

    async def read(self, wanted: Mapping[PointType, Sequence[int]], log: ReadLog) -> list[Block]:
        """The static values of these points. What is missing in the answer, the device has not.

        Raises what :meth:`Master.read` raises.
        """
        blocks: list[Block] = []
        together: list[Header] = []
        for kind, indices in wanted.items():
            known = self._master.points[kind]
            whole = known.issuperset(indices)
            present = indices if whole else [index for index in indices if index in known]
            if present and kind in self._proved:
                together += self._headers(kind, present)
            elif present:
                blocks += await self._prove(kind, present, log)
            for index in () if whole else indices:
                if index not in known and (kind, index) not in self._unknown:
                    blocks += await self._try(kind, index, log)
        return blocks + (await self._ask(together, log))[0]

    async def _prove(self, kind: PointType, indices: Sequence[int], log: ReadLog) -> list[Block]:
        """Read in the first variation that the device does not refuse, and remember that one."""
        while True:
            blocks, bits = await self._ask(self._headers(kind, indices), log)
            variations = self._variations[kind]
            if blocks or not bits & REQUEST_ERRORS or len(variations) == 1:
                if blocks:
                    self._proved.add(kind)
                return blocks
            self._variations[kind] = variations[1:]

    async def _try(self, kind: PointType, index: int, log: ReadLog) -> list[Block]:
        """Ask for a point that was not among the static values that the device tells by itself."""
        for variation in self._variations[kind]:
            header = Header(KINDS[kind].static_group, variation, index, index)
            blocks, bits = await self._ask([header], log)
            if any(BY_GROUP[one.group].name == kind and index in one.indices for one in blocks):
                return blocks
            if not bits & OBJECT_UNKNOWN:
                break
        self._unknown.add((kind, index))
        return []

    async def _ask(self, headers: Sequence[Header], log: ReadLog) -> tuple[list[Block], int]:
        """The values that came, and the indications of all answers together."""
        blocks: list[Block] = []
        bits = 0
        for start in range(0, len(headers), _HEADERS_PER_REQUEST):
            answer = await self._master.read(headers[start : start + _HEADERS_PER_REQUEST])
            blocks += answer.blocks
            bits |= answer.bits
        for sentence in notes(bits):
            log.note(sentence)
        return blocks, bits

    def _headers(self, kind: PointType, indices: Sequence[int]) -> list[Header]:
        group, variation = KINDS[kind].static_group, self._variations[kind][0]
        known = self._master.points[kind]
        ranges = [] if len(indices) == len(known) else list(_ranges(indices, sorted(known)))
        if not 0 < len(ranges) <= _MOST_RANGES:
            return [Header(group, variation)]
        return [Header(group, variation, start, stop) for start, stop in ranges]


def _ranges(wanted: Sequence[int], known: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Ranges that hold ``wanted`` and no index that the device lacks, because some refuse those."""
    place = {index: position for position, index in enumerate(known)}
    start = stop = wanted[0]
    for index in wanted[1:]:
        near = index - stop <= _GAP and index - stop == place[index] - place[stop]
        if not near:
            yield start, stop
            start = index
        stop = index
    yield start, stop
