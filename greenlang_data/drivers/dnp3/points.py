"""The types of points: how tags name them, and which groups and variations carry them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, NamedTuple, get_args

from greenlang_data.settings.point import PointType

_NAMED: Final = re.compile(r"(?P<type>[a-z_]+):(?P<index>[0-9]{1,5})")
_NUMBERED: Final = re.compile(r"g(?P<group>[0-9]{1,3})i(?P<index>[0-9]{1,5})")
_LAST_INDEX: Final = 65535


class Kind(NamedTuple):
    """One type of point.

    ``variations`` of ``static_group`` are tried in turn until the device knows one: first what
    loses nothing, last 0, which is the device's own default. ``events`` are group and variation of
    its events with time, likewise, the richest first.
    """

    name: PointType
    static_group: int
    event_group: int
    variations: tuple[int, ...]
    events: tuple[int, ...]
    data_types: dict[int, str]


_INTEGERS: Final = {1: "int32", 2: "int16", 3: "int32", 4: "int16"}

# Analog points are asked for as doubles, because a float rounds large integers and an integer cuts
# off fractions, both without a word.
KINDS: Final[dict[PointType, Kind]] = {
    one.name: one
    for one in (
        Kind("binary", 1, 2, (2, 0), (2,), {}),
        Kind("double_bit", 3, 4, (2, 0), (2,), {}),
        Kind("binary_output_status", 10, 11, (2, 0), (2,), {}),
        Kind("counter", 20, 22, (1, 0), (5, 1), {2: "uint16", 6: "uint16"}),
        Kind("frozen_counter", 21, 23, (5, 1, 0), (5, 1), {2: "uint16", 6: "uint16", 10: "uint16"}),
        Kind("analog", 30, 32, (6, 5, 0), (8, 7), _INTEGERS),
        Kind("analog_output_status", 40, 42, (4, 3, 0), (8, 7), _INTEGERS),
        Kind("octet_string", 110, 111, (0,), (0,), {}),
    )
}
ANALOG: Final = frozenset({"analog", "analog_output_status"})
_BY_NAME: Final[dict[str, Kind]] = {str(name): kind for name, kind in KINDS.items()}
BY_GROUP: Final[dict[int, Kind]] = {
    group: one for one in KINDS.values() for group in (one.static_group, one.event_group)
}
_DATA_TYPES: Final[dict[PointType, str]] = {
    "binary": "bool",
    "binary_output_status": "bool",
    "double_bit": "DoubleBit",
    "counter": "uint32",
    "frozen_counter": "uint32",
    "octet_string": "OctetString",
}
_FLOATS: Final = {(30, 5), (32, 5), (32, 7), (40, 3), (42, 5), (42, 7)}
_DOUBLES: Final = {(30, 6), (32, 6), (32, 8), (40, 4), (42, 6), (42, 8)}


@dataclass(frozen=True, slots=True)
class Address:
    """A point of the outstation."""

    type: PointType
    index: int

    def __str__(self) -> str:
        return f"{self.type}:{self.index}"


def parse_tag(text: str) -> Address | None:
    """The point that a tag without a name in ``points`` means, or None.

    >>> parse_tag("analog:12"), parse_tag("g30i12")
    (Address(type='analog', index=12), Address(type='analog', index=12))
    """
    if found := _NAMED.fullmatch(text):
        kind = _BY_NAME.get(found["type"])
    elif found := _NUMBERED.fullmatch(text):
        kind = BY_GROUP.get(int(found["group"]))
        if kind is not None and kind.static_group != int(found["group"]):
            kind = None
    else:
        return None
    if kind is None or int(found["index"]) > _LAST_INDEX:
        return None
    return Address(kind.name, int(found["index"]))


def tag_forms() -> str:
    """How tags are written, for messages."""
    return f"write {', '.join(get_args(PointType))} with :index, or a name in points"


def data_type(group: int, variation: int) -> str:
    """The type in which a value came, as users see it."""
    if (group, variation) in _FLOATS:
        return "float32"
    if (group, variation) in _DOUBLES:
        return "float64"
    kind = BY_GROUP[group]
    return kind.data_types.get(variation) or _DATA_TYPES.get(kind.name, "float64")
