"""Everything about one query that stays the same from read to read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from greenlang_data.drivers.modbus.decode import Decoder, decoded_type
from greenlang_data.drivers.modbus.exceptions import exception_name
from greenlang_data.drivers.modbus.memory import Memory
from greenlang_data.drivers.modbus.places import Place
from greenlang_data.drivers.modbus.plan import BIT_TABLES, Block, Limits, Span, hull, plan_blocks
from greenlang_data.drivers.modbus.units import Failure
from greenlang_data.drivers.schema import UNKNOWN_TAG
from greenlang_data.nearest import did_you_mean
from greenlang_data.settings.register import Register

_NOT_THERE: Final = ": not in the register map"
# Looking for the nearest name among thousands takes a while, so not for every wrong tag.
_NAMES_GUESSED: Final = 20


class Part(NamedTuple):
    """Values that are read in one request: a block of the plan, or a part of one that failed.

    ``span`` is what is asked for, ``indices`` are the values' places in :attr:`Layout.spans`, and
    the bytes for ``span`` are from ``start`` of the image on.
    """

    span: Span
    members: tuple[Span, ...]
    indices: NDArray[np.intp]
    start: int

    def position(self, span: Span) -> int:
        """Where ``span``, which lies within this part, starts in the image."""
        return self.start + (span.address - self.span.address) * bytes_per_address(span)

    def halves(self) -> tuple[Part, Part]:
        """The first and the second half of the values, at least two."""
        middle = len(self.members) // 2
        return self._slice(slice(middle)), self._slice(slice(middle, None))

    def _slice(self, which: slice) -> Part:
        members = self.members[which]
        span = hull(members)
        return Part(span, members, self.indices[which], self.position(span))


def _waves(parts: list[Part], units: int) -> list[list[Part]]:
    """All at once, or with several units the first of each before the others."""
    if units < 2:
        return [parts] if parts else []
    first: dict[int, Part] = {}
    rest = [part for part in parts if first.setdefault(part.span.unit_id, part) is not part]
    return [wave for wave in (list(first.values()), rest) if wave]


def bytes_per_address(span: Span) -> int:
    """How many bytes of the image one address takes: bits are unpacked to a byte each."""
    return 1 if span.table in BIT_TABLES else 2


class Layout:
    """The plan of a snapshot of ``tags``: blocks, where the bytes go, and the constant columns."""

    def __init__(
        self,
        tags: Sequence[str],
        registers: Mapping[str, Register],
        unit_id: int,
        limits: Limits,
        memory: Memory,
    ) -> None:
        self.tags = tags
        self.memory_version = memory.version
        self.failures: dict[int, Failure] = {}
        self.rows_of: dict[Span, list[int]] = defaultdict(list)
        known = [registers.get(tag) for tag in tags]
        for row, register in enumerate(known):
            if register is None:
                self.failures[row] = self._unknown(tags[row], registers)
            else:
                self._place(row, span_of(register, unit_id), limits, memory)
        self.spans = sorted(self.rows_of)
        self.image_size = 0
        self.parts: list[Part] = []
        index = {span: position for position, span in enumerate(self.spans)}
        self.span_of_row = np.zeros(len(tags), np.intp)
        for span, rows in self.rows_of.items():
            self.span_of_row[rows] = index[span]
        for block in plan_blocks(self.spans, limits, memory.barriers):
            self._add_block(block, index)
        self.unit_ids = {part.span.unit_id for part in self.parts}
        self.waves = _waves(self.parts, len(self.unit_ids))
        self.decoder = Decoder(self._places(known), len(tags))
        self._make_columns(known)

    def _unknown(self, tag: str, registers: Mapping[str, Register]) -> Failure:
        hint = did_you_mean(tag, registers) if len(self.failures) < _NAMES_GUESSED else ""
        return Failure(None, f"{UNKNOWN_TAG} {tag!r}{f'; {hint}' if hint else _NOT_THERE}")

    def _place(self, row: int, span: Span, limits: Limits, memory: Memory) -> None:
        code = memory.code_for(span)
        if code is not None:
            failure = refused(span, code)
            text = f"{failure.text} (refused before; asked again after a reconnect)"
            self.failures[row] = failure._replace(text=text)
        elif not limits.fits(span):
            self.failures[row] = Failure(None, _too_wide(span, limits))
        else:
            self.rows_of[span].append(row)

    def _add_block(self, block: Block, index: Mapping[Span, int]) -> None:
        step = bytes_per_address(block.span)
        indices = np.array([index[span] for span in block.members], np.intp)
        self.parts.append(Part(block.span, block.members, indices, self.image_size))
        self.image_size += block.span.quantity * step

    def _places(self, known: Sequence[Register | None]) -> list[Place]:
        places = []
        for part in self.parts:
            for span in part.members:
                for row in self.rows_of[span]:
                    register = known[row]
                    assert register is not None
                    places.append(Place(row, register, part.position(span)))
        return places

    def _make_columns(self, known: Sequence[Register | None]) -> None:
        self.tag_ids = pa.array(self.tags, pa.string())
        self.units = pa.array([one and one.unit for one in known], pa.string())
        kinds = [decoded_type(one) if one else None for one in known]
        self.data_types = pa.array(kinds, pa.string())


def _too_wide(span: Span, limits: Limits) -> str:
    largest = limits.per_block(span.table)
    if span.quantity > largest:
        return f"{span} takes {span.quantity} registers, and max_block_registers is {largest}"
    return f"{span} crosses a multiple of block_alignment, which is {limits.alignment}"


def refused(span: Span, code: int) -> Failure:
    """The failure of a value that was answered with exception ``code``."""
    name = exception_name(code)
    return Failure(name, f"{name} at {span}")


def span_of(register: Register, unit_id: int) -> Span:
    """Where ``register`` is; in ``unit_id`` unless it names a unit of its own."""
    unit = unit_id if register.unit_id is None else register.unit_id
    return Span(unit, register.table, register.address, register.width)
