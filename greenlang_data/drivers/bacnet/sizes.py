"""How many properties fit into one answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from greenlang_data.drivers.bacnet.names import (
    DATABASE_REVISION,
    EVENT_STATE,
    MAX_VALUE,
    MIN_VALUE,
    OBJECT_LIST,
    PRESENT_VALUE,
    RECORD_COUNT,
    RELIABILITY,
    STATUS_FLAGS,
    TOTAL_RECORD_COUNT,
    UNITS,
)
from greenlang_data.drivers.bacnet.references import Reference
from greenlang_data.drivers.bacnet.services import read_properties

# Bytes of an encoded value, tag included; the others may have any size.
_VALUE_BYTES: Final = {
    DATABASE_REVISION: 5, EVENT_STATE: 3, MAX_VALUE: 9, MIN_VALUE: 9, RECORD_COUNT: 5,
    RELIABILITY: 3, STATUS_FLAGS: 3, TOTAL_RECORD_COUNT: 5, UNITS: 3,
}  # fmt: skip
# Of a present value, by object type: a Real, an enumeration or an unsigned number.
_PRESENT_BYTES: Final = {
    0: 5, 1: 5, 2: 5, 3: 3, 4: 3, 5: 3, 12: 5, 13: 5, 14: 5, 19: 5, 23: 5, 24: 5, 46: 10,
}  # fmt: skip
_LIST_ENTRY_BYTES: Final = 5
_OBJECT_BYTES: Final = 7
_ANSWER_HEADER: Final = 3
_REQUEST_HEADER: Final = 4
_MOST_TEXT: Final = 480
_LEAST_BUDGET: Final = 40
# Of a log record with a boolean; a device that cannot send as many as asked for sends fewer.
_LEAST_RECORD_BYTES: Final = 18


@dataclass(slots=True)
class Learned:
    """What a device turned out to be able to do. ``version`` grows with everything learned.

    ``budget`` is the largest answer in bytes, ``text`` the size that is expected of a value of
    unknown size, ``records`` how many log records are asked for at a time, ``alone`` holds what is asked for by itself because it spoiled a request.
    """

    max_apdu: int
    budget: int = 0
    text: int = 40
    multiple: bool = True
    records: int = 0
    alone: set[Reference] = field(default_factory=set)
    version: int = 0

    def __post_init__(self) -> None:
        self.budget = self.max_apdu
        self.records = max(1, self.max_apdu // _LEAST_RECORD_BYTES)

    def too_large(self, references: Sequence[Reference]) -> None:
        """Ask for less at a time, after the device could not send the answer to these."""
        if all(_value_bytes(one, 0) for one in references):
            self.budget = max(_LEAST_BUDGET, self._answer(references) // 2)
        elif self.text < _MOST_TEXT:
            self.text *= 2
        self.version += 1

    def keep_alone(self, reference: Reference) -> None:
        """Ask for this by itself from now on."""
        self.alone.add(reference)
        self.version += 1

    def use_singles(self) -> None:
        """Ask for one property at a time from now on."""
        self.multiple = False
        self.version += 1

    def _answer(self, references: Sequence[Reference]) -> int:
        size, last = _ANSWER_HEADER, None
        for one in references:
            size += self._bytes(one, last)
            last = one.object_id
        return size

    def _bytes(self, reference: Reference, last: int | None) -> int:
        size = _value_bytes(reference, self.text) + 4
        size += 1 if reference.property_id > 0xFF else 0
        size += 0 if reference.array_index is None else 2 if reference.array_index <= 0xFF else 3
        return size + (_OBJECT_BYTES if reference.object_id != last else 0)

    def batches(self, references: Sequence[Reference]) -> list[list[Reference]]:
        """Parts whose answers, and requests, should fit; properties of an object stay together."""
        if not self.multiple:
            return [[one] for one in references]
        parts: list[list[Reference]] = [[one] for one in references if one in self.alone]
        current: list[Reference] = []
        size = asked = 0
        for group in _by_object([one for one in references if one not in self.alone]):
            answer = self._answer(group) - _ANSWER_HEADER
            request = len(read_properties(group))
            full = size + answer + _ANSWER_HEADER > self.budget
            if current and (full or asked + request + _REQUEST_HEADER > self.max_apdu):
                parts.append(current)
                current, size, asked = [], 0, 0
            current = current + group
            size, asked = size + answer, asked + request
        return [*parts, current] if current else parts


def _value_bytes(reference: Reference, otherwise: int) -> int:
    if reference.property_id == PRESENT_VALUE:
        return _PRESENT_BYTES.get(reference.object_type, otherwise)
    if reference.property_id == OBJECT_LIST and reference.array_index is not None:
        return _LIST_ENTRY_BYTES
    return _VALUE_BYTES.get(reference.property_id, otherwise)


def _by_object(references: Sequence[Reference]) -> list[list[Reference]]:
    """Those of an object that follow each other, but each element of an array by itself."""
    groups: list[list[Reference]] = []
    for one in references:
        previous = groups[-1][-1] if groups else None
        same = previous is not None and previous.object_id == one.object_id
        if same and one.array_index is None:
            groups[-1].append(one)
        else:
            groups.append([one])
    return groups
