"""Reads static values: what was asked for and little else, in variations that lose nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Final, NamedTuple

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.dnp3.inbox import Block
from greenlang_data.drivers.dnp3.indications import (
    FUNCTION_UNKNOWN,
    OBJECT_UNKNOWN,
    notes,
    refusal,
)
from greenlang_data.drivers.dnp3.master import Master
from greenlang_data.drivers.dnp3.points import BY_GROUP, KINDS, Address
from greenlang_data.drivers.dnp3.stack import Header
from greenlang_data.settings.point import PointType

# A request must fit into one frame, and a header with a range takes at most 7 of its 249 bytes.
_HEADERS_PER_REQUEST: Final = 32
# With more ranges than this it is cheaper to ask for all points of the type.
_MOST_RANGES: Final = 64
# A few points that nobody asked for cost less than a further header.
_GAP: Final = 8


class Found(NamedTuple):
    """What a read brought; ``refused`` are indications by type, ``unknown`` are points."""

    blocks: list[Block]
    refused: dict[PointType, int]
    unknown: Set[tuple[PointType, int]]

    def why_missing(self, address: Address, *, known: bool) -> str:
        """Why no value came; ``known`` says that the outstation reported the point before."""
        refused = refusal(self.refused.get(address.type, 0))
        if refused:
            return f"the outstation refused to tell {address}: {refused}"
        if known:
            return f"the outstation left {address} out of its answer, although it has it"
        if (address.type, address.index) in self.unknown:
            return f"the outstation has no point {address}"
        return f"the outstation answered without {address}, and did not say why"


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

    async def read(self, wanted: Mapping[PointType, Sequence[int]], log: ReadLog) -> Found:
        """The static values of these points, and what was refused.

        Raises what :meth:`Master.read` raises, and ProtocolError where nothing can be read at all.
        """
        found = Found([], defaultdict(int), self._unknown)
        together: list[Header] = []
        kinds: set[PointType] = set()
        for kind, indices in wanted.items():
            known = self._master.points[kind]
            whole = known.issuperset(indices)
            present = indices if whole else [index for index in indices if index in known]
            if present and kind in self._proved:
                together += self._headers(kind, present)
                kinds.add(kind)
            elif present:
                await self._prove(kind, present, found, log)
            for index in () if whole else indices:
                if index not in known and (kind, index) not in self._unknown:
                    await self._try(kind, index, found, log)
        await self._ask_all(together, kinds, found, log)
        return found

    async def _ask_all(
        self, headers: Sequence[Header], kinds: set[PointType], found: Found, log: ReadLog
    ) -> None:
        blocks, refused = await self._ask(headers, log)
        found.blocks.extend(blocks)
        if refused:
            # The device may be another one by now, so it is asked anew which variations it knows.
            self._proved -= kinds
            for kind in kinds:
                found.refused[kind] |= refused

    async def _prove(
        self, kind: PointType, indices: Sequence[int], found: Found, log: ReadLog
    ) -> None:
        """Read in the first variation that the device does not refuse, and remember that one."""
        while True:
            blocks, refused = await self._ask(self._headers(kind, indices), log)
            if blocks or not refused or len(self._variations[kind]) == 1:
                break
            self._variations[kind] = self._variations[kind][1:]
        if blocks:
            self._proved.add(kind)
        found.blocks.extend(blocks)
        found.refused[kind] |= refused

    async def _try(self, kind: PointType, index: int, found: Found, log: ReadLog) -> None:
        """Ask for a point that was not among the static values that the device tells by itself."""
        refused = 0
        for variation in self._variations[kind]:
            header = Header(KINDS[kind].static_group, variation, index, index)
            blocks, refused = await self._ask([header], log)
            if any(BY_GROUP[one.group].name == kind and index in one.indices for one in blocks):
                found.blocks.extend(blocks)
                return
            if not refused & OBJECT_UNKNOWN:
                break
        if refused:
            self._unknown.add((kind, index))

    async def _ask(self, headers: Sequence[Header], log: ReadLog) -> tuple[list[Block], int]:
        """The values that came, and what the outstation says it refused."""
        blocks: list[Block] = []
        bits = refused = 0
        for start in range(0, len(headers), _HEADERS_PER_REQUEST):
            answer = await self._master.read(headers[start : start + _HEADERS_PER_REQUEST])
            blocks += answer.blocks
            bits |= answer.bits
            refused |= answer.refused
        if refused & FUNCTION_UNKNOWN:
            raise self._master.trouble.refused(
                "be read", refused, "Ask its vendor or integrator whether reads are locked."
            )
        for sentence in notes(bits):
            log.note(sentence)
        return blocks, refused

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
